-- name: insert
-- A new channel; channels_live_name refuses a name that a live one of the workspace has.
INSERT INTO channels (workspace_id, name, live_name, topic, description, is_private, is_default, created_by, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP())

-- name: has_public
-- Whether a workspace has a public channel: its first one becomes the default.
SELECT 1 FROM channels WHERE workspace_id = %s AND is_private = 0 LIMIT 1

-- name: visible_list
-- A workspace's channels as a user sees them: theirs, and the public ones unless they are a guest. (The forced index has the order.)
SELECT STRAIGHT_JOIN c.id, c.workspace_id, c.name, c.is_private, DATE_FORMAT(c.created_at, '%%Y-%%m-%%dT%%T'), c.topic, c.description,
    c.is_default, c.archived_at IS NOT NULL, cm.user_id IS NOT NULL, c.last_seq, CAST(IFNULL(cm.read_seq, 0) AS UNSIGNED),
    CAST(IF(cm.user_id IS NULL, 0, c.message_count - LEAST(cm.read_count, c.message_count)) AS UNSIGNED), 0
FROM channels c FORCE INDEX (channels_workspace) LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s
WHERE c.workspace_id = %s AND (c.archived_at IS NULL OR %s) AND (cm.user_id IS NOT NULL OR (c.is_private = 0 AND %s)) ORDER BY c.id

-- name: visible_to
-- One channel as a user sees it, with their role in its workspace and who made it; no row when it is not theirs to know.
SELECT STRAIGHT_JOIN c.id, c.workspace_id, c.name, c.is_private, DATE_FORMAT(c.created_at, '%%Y-%%m-%%dT%%T'), c.topic, c.description,
    c.is_default, c.archived_at IS NOT NULL, cm.user_id IS NOT NULL, c.last_seq, CAST(IFNULL(cm.read_seq, 0) AS UNSIGNED),
    CAST(IF(cm.user_id IS NULL, 0, c.message_count - LEAST(cm.read_count, c.message_count)) AS UNSIGNED), 0, wm.role, c.created_by
FROM channels c JOIN workspace_members wm ON wm.workspace_id = c.workspace_id AND wm.user_id = %s
    LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s
WHERE c.id = %s AND (cm.user_id IS NOT NULL OR (c.is_private = 0 AND wm.role <> 'guest'))

-- name: newest_seq
-- Where a channel's log stands, for a user who may read it; no row when it is not theirs to know.
SELECT STRAIGHT_JOIN c.last_seq FROM channels c JOIN workspace_members wm ON wm.workspace_id = c.workspace_id AND wm.user_id = %s
    LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s
WHERE c.id = %s AND (cm.user_id IS NOT NULL OR (c.is_private = 0 AND wm.role <> 'guest'))

-- name: lock_defaults
-- Before somebody joins workspaces: locks the channels that they join too, before the workspaces, as everybody does.
SELECT id FROM channels WHERE workspace_id IN %s AND is_default = 1 AND archived_at IS NULL ORDER BY id FOR UPDATE

-- name: workspaces_of
-- To which workspaces channels belong, for a batch of messages; asked once a channel and process.
SELECT id, workspace_id FROM channels WHERE id IN %s

-- name: lock_many
-- Locks channels in one order before numbering events in them; what a batch of messages must know of each.
SELECT id, workspace_id, name, is_private, archived_at IS NOT NULL, last_seq, message_count FROM channels WHERE id IN %s ORDER BY id FOR UPDATE

-- name: advance_many
-- Many logs in one statement: {"<id>": <how many messages>}.
UPDATE channels SET last_seq = last_seq + JSON_EXTRACT(%s, CONCAT('$."', id, '"')),
    message_count = message_count + JSON_EXTRACT(%s, CONCAT('$."', id, '"')) WHERE id IN %s

-- name: next_seq
-- Takes the next number of a channel's log for an edit or a deletion.
UPDATE channels SET last_seq = LAST_INSERT_ID(last_seq + 1) WHERE id = %s

-- name: last_seqs
-- For the poll that finds what the bus did not announce.
SELECT id, last_seq FROM channels WHERE id IN %s

-- name: update
-- Renames, or sets topic, description and default.
UPDATE channels SET name = %s, live_name = IF(archived_at IS NULL, %s, NULL), topic = %s, description = %s, is_default = %s WHERE id = %s

-- name: archive
-- Read-only from now on; its name is free again.
UPDATE channels SET archived_at = UTC_TIMESTAMP(), live_name = NULL WHERE id = %s AND archived_at IS NULL

-- name: archive_empty
-- Those of some locked channels that are private and that their last member has left: nobody could ever see them again, and their
-- names are free.
UPDATE channels c SET c.archived_at = UTC_TIMESTAMP(), c.live_name = NULL WHERE c.id IN %s AND c.is_private = 1
    AND c.archived_at IS NULL AND NOT EXISTS (SELECT 1 FROM channel_members cm WHERE cm.channel_id = c.id)

-- name: unarchive
-- Live again, if no live channel has taken its name.
UPDATE channels SET archived_at = NULL, live_name = %s WHERE id = %s AND archived_at IS NOT NULL

-- name: add_member
-- Joins, having read everything so far; the primary key refuses a second time.
INSERT INTO channel_members (channel_id, user_id, read_seq, read_count, joined_at)
SELECT id, %s, last_seq, message_count, UTC_TIMESTAMP() FROM channels WHERE id = %s

-- name: add_everybody
-- A channel became the default: all but guests join it.
INSERT IGNORE INTO channel_members (channel_id, user_id, read_seq, read_count, joined_at)
SELECT c.id, wm.user_id, c.last_seq, c.message_count, UTC_TIMESTAMP()
FROM channels c JOIN workspace_members wm ON wm.workspace_id = c.workspace_id AND wm.role <> 'guest' WHERE c.id = %s

-- name: join_defaults
-- A new member joins the workspace's default channels.
INSERT IGNORE INTO channel_members (channel_id, user_id, read_seq, read_count, joined_at)
SELECT id, %s, last_seq, message_count, UTC_TIMESTAMP() FROM channels WHERE workspace_id = %s AND is_default = 1 AND archived_at IS NULL

-- name: remove_member
-- Leaves or is removed.
DELETE FROM channel_members WHERE channel_id = %s AND user_id = %s

-- name: members
-- Who is in a channel, after a user id.
SELECT STRAIGHT_JOIN u.id, u.username, u.email, u.full_name, DATE_FORMAT(cm.joined_at, '%%Y-%%m-%%dT%%T')
FROM channel_members cm JOIN users u ON u.id = cm.user_id WHERE cm.channel_id = %s AND cm.user_id > %s ORDER BY cm.user_id LIMIT %s

-- name: member_ids
-- Everybody in a channel who is still in its workspace.
SELECT STRAIGHT_JOIN cm.user_id FROM channels c JOIN channel_members cm ON cm.channel_id = c.id
    JOIN workspace_members wm FORCE INDEX (PRIMARY) ON wm.workspace_id = c.workspace_id AND wm.user_id = cm.user_id WHERE c.id = %s

-- name: members_of_pairs
-- Which of many (channel, user) pairs are memberships: the second permission query of a batch of messages.
SELECT channel_id, user_id FROM channel_members FORCE INDEX (PRIMARY) WHERE (channel_id, user_id) IN %s FOR UPDATE

-- name: viewers_of
-- Which of these people can see a channel. (By the forced index each of them is one look-up; MariaDB would read the whole workspace.)
SELECT STRAIGHT_JOIN wm.user_id FROM channels c JOIN workspace_members wm FORCE INDEX (workspace_members_user)
    ON wm.workspace_id = c.workspace_id AND wm.user_id IN %s
    LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = wm.user_id
WHERE c.id = %s AND (cm.user_id IS NOT NULL OR (c.is_private = 0 AND wm.role <> 'guest'))

-- name: joined_ids
-- The channels of a workspace that a user is in: what an activity feed may show of private ones.
SELECT c.id FROM channels c JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s WHERE c.workspace_id = %s

-- name: visible_ids
-- The channels of a workspace that a user sees, archived ones too.
SELECT c.id FROM channels c LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s
WHERE c.workspace_id = %s AND (cm.user_id IS NOT NULL OR (c.is_private = 0 AND %s))

-- name: mark_read
-- Moves a read position forward, never back: two devices may report out of order.
UPDATE channel_members SET read_seq = GREATEST(read_seq, %s), read_count = GREATEST(read_count, %s) WHERE channel_id = %s AND user_id = %s

-- name: read_many
-- Whoever sends has read up to their own message; a first message in a public channel joins it.
INSERT INTO channel_members (channel_id, user_id, read_seq, read_count, joined_at) VALUES (%s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE read_seq = GREATEST(read_seq, VALUES(read_seq)), read_count = GREATEST(read_count, VALUES(read_count))

-- name: read_states
-- What a user has not read, over all workspaces that they are in: one subtraction a channel.
SELECT STRAIGHT_JOIN c.id, cm.read_seq, c.message_count - LEAST(cm.read_count, c.message_count), 0
FROM channel_members cm JOIN channels c ON c.id = cm.channel_id
    JOIN workspace_members wm ON wm.workspace_id = c.workspace_id AND wm.user_id = cm.user_id
WHERE cm.user_id = %s AND c.archived_at IS NULL ORDER BY cm.channel_id

-- name: read_state
-- What a user has not read of one channel.
SELECT c.id, CAST(IFNULL(cm.read_seq, 0) AS UNSIGNED), CAST(IF(cm.user_id IS NULL, 0, c.message_count - LEAST(cm.read_count, c.message_count)) AS UNSIGNED), 0
FROM channels c LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = %s WHERE c.id = %s
