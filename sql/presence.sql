-- name: upsert_many
-- Who has a socket on a process, and how they are; one statement for everybody who changed or must be refreshed.
INSERT INTO presence (user_id, node_id, status, seen_at) VALUES (%s, %s, %s, UTC_TIMESTAMP)
ON DUPLICATE KEY UPDATE status = VALUES(status), seen_at = VALUES(seen_at)

-- name: statuses
-- What the rows of the last 30 s say of these people; no row is offline. A row says online, idle, or here: sockets that send no
-- heartbeat. Idle is who is idle somewhere and online nowhere.
SELECT user_id, IF(MAX(status = 'online') < MAX(status = 'idle'), 'idle', 'online') FROM presence
WHERE user_id IN %s AND seen_at >= UTC_TIMESTAMP() - INTERVAL 30 SECOND GROUP BY user_id

-- name: lock_stale
-- Rows that nobody refreshed for 30 s, the oldest first.
SELECT user_id, node_id FROM presence WHERE seen_at < UTC_TIMESTAMP() - INTERVAL 30 SECOND LIMIT 500 FOR UPDATE

-- name: delete_pairs
-- Sweeps them; whoever deletes them announces it.
DELETE FROM presence WHERE (user_id, node_id) IN %s

-- name: emails
-- The addresses by which presence is announced.
SELECT id, email FROM users WHERE id IN %s

-- name: of_workspace
-- Everybody of a workspace who is online or idle now.
SELECT STRAIGHT_JOIN m.user_id, MAX(u.email), IF(MAX(p.status = 'online') < MAX(p.status = 'idle'), 'idle', 'online')
FROM workspace_members m JOIN presence p ON p.user_id = m.user_id JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = %s AND p.seen_at >= UTC_TIMESTAMP() - INTERVAL 30 SECOND GROUP BY m.user_id

-- name: seen_many
-- Who was seen (a request, a heartbeat, an open socket), in batches.
INSERT INTO user_activity (user_id, last_seen_at) VALUES (%s, UTC_TIMESTAMP)
ON DUPLICATE KEY UPDATE last_seen_at = GREATEST(last_seen_at, VALUES(last_seen_at))

-- name: online_members
-- Which members of a channel are online: whom @here means.
SELECT STRAIGHT_JOIN cm.user_id FROM channel_members cm JOIN presence p ON p.user_id = cm.user_id
WHERE cm.channel_id = %s AND p.seen_at >= UTC_TIMESTAMP() - INTERVAL 30 SECOND
GROUP BY cm.user_id HAVING MAX(p.status = 'online') >= MAX(p.status = 'idle')
