-- name: add_counts
-- Counts a batch's messages: (workspace, day, channel, how many).
INSERT INTO message_counts (workspace_id, day, channel_id, count) VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE count = count + VALUES(count)

-- name: messages_per_day
-- The last 14 days over the channels that the viewer sees.
SELECT DATE_FORMAT(day, '%%Y-%%m-%%d'), SUM(count) FROM message_counts
WHERE workspace_id = %s AND day >= UTC_DATE() - INTERVAL 13 DAY AND channel_id IN %s GROUP BY day ORDER BY day

-- name: today
-- The database's day (UTC).
SELECT DATE_FORMAT(UTC_DATE(), '%%Y-%%m-%%d')

-- name: active_users
-- Members seen within so many minutes.
SELECT COUNT(*) FROM user_activity a JOIN workspace_members m ON m.workspace_id = %s AND m.user_id = a.user_id
WHERE a.last_seen_at >= UTC_TIMESTAMP() - INTERVAL %s MINUTE

-- name: workspace_ids
-- For the rebuild: workspaces after an id.
SELECT id FROM workspaces FORCE INDEX (PRIMARY) WHERE id > %s ORDER BY id LIMIT 100

-- name: clear_counts
-- For the rebuild, in the transaction that counts anew.
DELETE FROM message_counts WHERE workspace_id = %s

-- name: rebuild_counts
-- For the rebuild: counts a workspace's messages from the messages themselves.
INSERT INTO message_counts (workspace_id, day, channel_id, count)
SELECT c.workspace_id, DATE(m.created_at), c.id, COUNT(*) FROM channels c JOIN messages m ON m.channel_id = c.id
WHERE c.workspace_id = %s GROUP BY c.workspace_id, DATE(m.created_at), c.id
