// A dashboard in a few lines: calls, and sockets whose frames can be awaited. Runs in every page before its own scripts.
const sockets = {};

async function call(method, path, body) {
  const options = {method, credentials: 'include'};
  if (body !== undefined) {
    options.headers = {'Content-Type': 'application/json'};
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  return {status: answer.status, ...(await answer.json())};
}

function connect(name, host = location.host) {
  return new Promise((resolve, reject) => {
    // The cookie cannot be read here, so the seed's `+ accessToken` gives this.
    const ws = new WebSocket(`ws://${host}/ws/${name}/?token=undefined`);
    sockets[name] = {ws, frames: []};
    ws.onmessage = (event) => sockets[name].frames.push(JSON.parse(event.data));
    ws.onopen = () => resolve('open');
    ws.onclose = (event) => reject(new Error(`the socket was closed: ${event.code}`));
  });
}

function send(name, frame) {
  sockets[name].ws.send(JSON.stringify(frame));
}

// The next frame of the type; those before it are dropped.
async function next(name, type) {
  const {frames} = sockets[name];
  const seen = [];
  for (const deadline = Date.now() + 8000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 10))) {
    while (frames.length) {
      const frame = frames.shift();
      if (frame.type === type) return frame;
      seen.push(frame);
    }
  }
  throw new Error(`no ${type} came, but ${JSON.stringify(seen)}`);
}

Object.assign(globalThis, {call, connect, send, next});
