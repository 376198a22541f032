-- name: insert_many
-- The messages of a batch, numbered by the caller, who holds the locks of their channels.
INSERT INTO messages (channel_id, seq, number, sender_id, client_msg_id, body, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s)

-- name: last_id
-- The id of a batch's last row, and the step from one id to the next: with the first id they give all of them.
SELECT id, @@auto_increment_increment FROM messages WHERE channel_id = %s AND seq = %s

-- name: ids
-- The ids that a batch was given, where they are not in one piece.
SELECT channel_id, seq, id FROM messages WHERE (channel_id, seq) IN %s

-- name: sent_before
-- Which of a batch's sends are retries: (channel, sender, client_msg_id) is unique.
SELECT channel_id, sender_id, client_msg_id, id, seq, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T') FROM messages
WHERE (channel_id, sender_id, client_msg_id) IN %s

-- name: page_before
-- A page going back from a seq, the newest first. (message_rows is a view: the message as JSON.)
SELECT seq, json FROM message_rows WHERE channel_id = %s AND seq < %s ORDER BY seq DESC LIMIT %s

-- name: page_after
-- A page going on from a seq, the oldest first; also the messages of a replay.
SELECT seq, json FROM message_rows WHERE channel_id = %s AND seq > %s ORDER BY seq LIMIT %s

-- name: next_time
-- When the first message after a seq was sent: a step of the search for a time.
SELECT seq, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T') FROM messages WHERE channel_id = %s AND seq > %s ORDER BY seq LIMIT 1

-- name: at
-- One message.
SELECT json FROM message_rows WHERE channel_id = %s AND seq = %s

-- name: place
-- Where a message stands and whose it is.
SELECT channel_id, seq, sender_id, deleted_at IS NOT NULL FROM messages WHERE id = %s

-- name: edit
-- Another text; a deleted message stays deleted.
UPDATE messages SET body = %s, edited_at = UTC_TIMESTAMP() WHERE channel_id = %s AND seq = %s AND deleted_at IS NULL

-- name: delete
-- Leaves a tombstone: the text is gone, its place in the order stays.
UPDATE messages SET body = '', deleted_at = UTC_TIMESTAMP() WHERE channel_id = %s AND seq = %s AND deleted_at IS NULL

-- name: insert_change
-- An edit or a deletion, at the seq that it took.
INSERT INTO channel_changes (channel_id, seq, type, message_seq, created_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP())

-- name: changes_after
-- The edits and deletions of a replay, with the message as it is now.
SELECT x.seq, x.type, m.json FROM channel_changes x STRAIGHT_JOIN message_rows m ON m.channel_id = x.channel_id AND m.seq = x.message_seq
WHERE x.channel_id = %s AND x.seq > %s ORDER BY x.seq LIMIT %s

-- name: number_at
-- How many messages a channel had at a seq.
SELECT number FROM messages WHERE channel_id = %s AND seq <= %s ORDER BY seq DESC LIMIT 1
