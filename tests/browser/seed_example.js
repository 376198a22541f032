// 1. Register
await fetch('http://localhost:8000/api/register/', {
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({
    username: 'alice',
    password: 'securePass123',
    email: 'alice@example.com',
    full_name: 'Alice Johnson'
  })
});

// 2. Request OTP
await fetch('http://localhost:8000/api/request-otp/', {
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({email: 'alice@example.com'})
});

// 3. Verify OTP (after receiving email)
const loginResponse = await fetch('http://localhost:8000/api/verify-otp/', {
  method: 'POST',
  credentials: 'include', // Important: include cookies
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({
    email: 'alice@example.com',
    otp: '123456'
  })
});

// 4. Create Workspace
const workspaceResponse = await fetch('http://localhost:8000/api/workspaces/', {
  method: 'POST',
  credentials: 'include', // Include auth cookies
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({
    name: 'My Team',
    description: 'Team workspace'
  })
});

// 5. Create Channel
await fetch('http://localhost:8000/api/channels/', {
  method: 'POST',
  credentials: 'include',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({
    workspace_id: 1,
    name: 'general',
    is_private: false
  })
});

// 6. Connect to WebSocket
const ws = new WebSocket('ws://localhost:8000/ws/chat/?token=' + accessToken);

ws.onopen = () => {
  // Join channel
  ws.send(JSON.stringify({
    type: 'join_channel',
    channel_id: 1
  }));
  
  // Send message
  ws.send(JSON.stringify({
    type: 'send_message',
    channel_id: 1,
    body: 'Hello team!'
  }));
};

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log('Received:', data);
};
