-- name: advance
-- Takes the next number of each recipient's log.
UPDATE inboxes SET last_seq = last_seq + 1 WHERE user_id IN %s

-- name: seqs
-- The numbers that were taken; also the poll that finds what the bus did not announce.
SELECT user_id, last_seq FROM inboxes WHERE user_id IN %s

-- name: next_seq
-- Takes the next number of one user's log.
UPDATE inboxes SET last_seq = LAST_INSERT_ID(last_seq + 1) WHERE user_id = %s

-- name: insert_many
-- One notification a recipient.
INSERT INTO notifications (user_id, seq, kind, actor_id, workspace_id, channel_id, message_id, message_seq, line, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: ids
-- The ids that they were given.
SELECT user_id, id FROM notifications WHERE (user_id, seq) IN %s

-- name: page_before
-- A user's notifications going back from a seq.
SELECT STRAIGHT_JOIN n.id, n.seq, n.kind, n.line, u.email, n.workspace_id, NULLIF(n.channel_id, 0), NULLIF(n.message_id, 0),
    DATE_FORMAT(n.created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(n.read_at, '%%Y-%%m-%%dT%%T')
FROM notifications n JOIN users u FORCE INDEX (PRIMARY) ON u.id = n.actor_id WHERE n.user_id = %s AND n.seq < %s ORDER BY n.seq DESC LIMIT %s

-- name: unread_before
-- The same, unread ones only.
SELECT STRAIGHT_JOIN n.id, n.seq, n.kind, n.line, u.email, n.workspace_id, NULLIF(n.channel_id, 0), NULLIF(n.message_id, 0),
    DATE_FORMAT(n.created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(n.read_at, '%%Y-%%m-%%dT%%T')
FROM notifications n FORCE INDEX (notifications_unread_order) JOIN users u FORCE INDEX (PRIMARY) ON u.id = n.actor_id
WHERE n.user_id = %s AND n.read_at IS NULL AND n.seq < %s ORDER BY n.seq DESC LIMIT %s

-- name: page_after
-- The notifications of a replay.
SELECT STRAIGHT_JOIN n.id, n.seq, n.kind, n.line, u.email, n.workspace_id, NULLIF(n.channel_id, 0), NULLIF(n.message_id, 0),
    DATE_FORMAT(n.created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(n.read_at, '%%Y-%%m-%%dT%%T')
FROM notifications n JOIN users u FORCE INDEX (PRIMARY) ON u.id = n.actor_id WHERE n.user_id = %s AND n.seq > %s ORDER BY n.seq LIMIT %s

-- name: changes_after
-- The read marks of a replay.
SELECT seq, type, ref_id FROM inbox_changes WHERE user_id = %s AND seq > %s ORDER BY seq LIMIT %s

-- name: insert_change
-- A read mark, at the seq that it took.
INSERT INTO inbox_changes (user_id, seq, type, ref_id, created_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP())

-- name: seq_of
-- Where one of a user's notifications stands.
SELECT seq FROM notifications WHERE id = %s AND user_id = %s

-- name: mark_read
-- One notification.
UPDATE notifications SET read_at = UTC_TIMESTAMP() WHERE user_id = %s AND seq = %s AND read_at IS NULL

-- name: mark_all_read
-- All of them.
UPDATE notifications SET read_at = UTC_TIMESTAMP() WHERE user_id = %s AND read_at IS NULL

-- name: mark_channel_read
-- The mentions in a channel up to a seq: whoever read the messages has seen them.
UPDATE notifications SET read_at = UTC_TIMESTAMP() WHERE user_id = %s AND read_at IS NULL AND channel_id = %s AND kind = 'mention' AND message_seq <= %s

-- name: unread_count
-- How many are unread.
SELECT COUNT(*) FROM notifications WHERE user_id = %s AND read_at IS NULL

-- name: mention_counts
-- Unread mentions a channel, beyond what the user has read there: who answers has seen what came before.
SELECT STRAIGHT_JOIN n.channel_id, COUNT(*) FROM notifications n
    LEFT JOIN channel_members cm ON cm.channel_id = n.channel_id AND cm.user_id = n.user_id
WHERE n.user_id = %s AND n.read_at IS NULL AND n.kind = 'mention' AND n.message_seq > IFNULL(cm.read_seq, 0) GROUP BY n.channel_id
