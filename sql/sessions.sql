-- name: insert
-- A sign-in. rotated_at is the iat of its first refresh token (seconds since 1970, given by the caller).
INSERT INTO sessions (user_id, device, ip, created_at, rotated_at, last_used_at, expires_at)
VALUES (%s, %s, %s, UTC_TIMESTAMP(), FROM_UNIXTIME(%s), UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 30 DAY)

-- name: live
-- The user of a session that is neither revoked nor expired.
SELECT u.id, u.username, u.email, u.full_name FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = %s AND s.revoked_at IS NULL AND s.expires_at > UTC_TIMESTAMP()

-- name: live_many
-- The users of those of many sessions that are live: when many sockets come at once.
SELECT s.id, u.id, u.username, u.email, u.full_name FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id IN %s AND s.revoked_at IS NULL AND s.expires_at > UTC_TIMESTAMP()

-- name: lock
-- A live session for rotation: its generation, the age of the last rotation in seconds, that rotation's time, and the user.
SELECT s.generation, TIMESTAMPDIFF(SECOND, s.rotated_at, FROM_UNIXTIME(%s)), UNIX_TIMESTAMP(s.rotated_at),
    u.id, u.username, u.email, u.full_name
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = %s AND s.revoked_at IS NULL AND s.expires_at > UTC_TIMESTAMP() FOR UPDATE

-- name: advance
-- The next generation: every older refresh token is now a used one.
UPDATE sessions SET generation = generation + 1, rotated_at = FROM_UNIXTIME(%s), last_used_at = UTC_TIMESTAMP(),
    expires_at = UTC_TIMESTAMP() + INTERVAL 30 DAY WHERE id = %s

-- name: revoke
-- Ends one session of a user.
UPDATE sessions SET revoked_at = UTC_TIMESTAMP() WHERE id = %s AND user_id = %s AND revoked_at IS NULL

-- name: live_of_user
-- A user's devices, the last used first. (A user has few: the sort is of a handful of rows.)
SELECT id, device, ip, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(last_used_at, '%%Y-%%m-%%dT%%T'), id = %s
FROM sessions WHERE user_id = %s AND revoked_at IS NULL AND expires_at > UTC_TIMESTAMP() ORDER BY id DESC

-- name: touch
-- These sessions were used just now.
UPDATE sessions SET last_used_at = UTC_TIMESTAMP() WHERE id IN %s

-- name: insert_tickets
-- Tickets, each for opening one socket within 30 s.
INSERT INTO ws_tickets (ticket_hash, session_id, expires_at) VALUES (%s, %s, UTC_TIMESTAMP + INTERVAL 30 SECOND)

-- name: lock_tickets
-- The sessions behind those tickets that are live. A ticket opens one socket: whoever locks the row first deletes it.
SELECT ticket_hash, session_id FROM ws_tickets WHERE ticket_hash IN %s AND expires_at > UTC_TIMESTAMP() FOR UPDATE

-- name: delete_tickets
-- Tickets that were used.
DELETE FROM ws_tickets WHERE ticket_hash IN %s

-- name: sweep_tickets
-- Tickets that nobody used.
DELETE FROM ws_tickets WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 60 SECOND LIMIT 1000
