-- name: insert
-- Something that every process must learn at once: a session revoked, a membership granted, changed or ended.
INSERT INTO access_changes (user_id, kind, session_id, workspace_id, channel_id, created_at) VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP())

-- name: recent
-- The last seconds' changes. Readers overlap their windows and drop what they have seen: ids are given before commit, so a
-- "greater than the last id" could miss one.
SELECT id, user_id, kind, session_id, workspace_id, channel_id FROM access_changes
WHERE created_at >= UTC_TIMESTAMP() - INTERVAL %s SECOND

-- name: sweep
-- Changes of more than a day ago, a slice at a time.
DELETE FROM access_changes WHERE created_at < UTC_TIMESTAMP() - INTERVAL 1 DAY LIMIT 1000
