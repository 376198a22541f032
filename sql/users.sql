-- name: insert
-- Registers a person; users_email and users_username refuse a second one.
INSERT INTO users (username, email, full_name, password_hash, created_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP())

-- name: insert_inbox
-- The counter of the new user's own log.
INSERT INTO inboxes (user_id) VALUES (%s)

-- name: by_email
-- Who has this address (already lower-cased).
SELECT id, username, email, full_name FROM users WHERE email = %s

-- name: profile
-- What a user sees of their own account.
SELECT id, username, email, full_name, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T') FROM users WHERE id = %s

-- name: rename
-- Changes the full name.
UPDATE users SET full_name = %s WHERE id = %s

-- name: by_usernames
-- The people behind @mentions.
SELECT id, username FROM users WHERE username IN %s
