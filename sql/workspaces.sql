-- name: insert
-- A new workspace; it has no channel yet.
INSERT INTO workspaces (name, description, created_by, created_at) VALUES (%s, %s, %s, UTC_TIMESTAMP())

-- name: of_user
-- The workspaces that a user is in.
SELECT STRAIGHT_JOIN w.id, w.name, w.description, u.email, DATE_FORMAT(w.created_at, '%%Y-%%m-%%dT%%T'), m.role
FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id JOIN users u ON u.id = w.created_by
WHERE m.user_id = %s ORDER BY m.workspace_id

-- name: visible_to
-- One workspace, if the user is in it.
SELECT w.id, w.name, w.description, u.email, DATE_FORMAT(w.created_at, '%%Y-%%m-%%dT%%T'), m.role
FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id JOIN users u ON u.id = w.created_by
WHERE m.workspace_id = %s AND m.user_id = %s

-- name: update
-- Renames or describes.
UPDATE workspaces SET name = %s, description = %s WHERE id = %s

-- name: delete
-- Marks a workspace as deleted; its memberships end in the same transaction.
UPDATE workspaces SET deleted_at = UTC_TIMESTAMP() WHERE id = %s

-- name: next_activity_seq
-- Takes the next number of the activity log; the row lock makes the order of numbers the order of commits.
UPDATE workspaces SET activity_seq = LAST_INSERT_ID(activity_seq + 1) WHERE id = %s

-- name: lock_many
-- Before numbering many activities at once: the logs' current numbers.
SELECT id, activity_seq FROM workspaces WHERE id IN %s ORDER BY id FOR UPDATE

-- name: lock_live
-- Before somebody joins or makes a channel: which of these are not deleted, locked.
SELECT id FROM workspaces WHERE id IN %s AND deleted_at IS NULL ORDER BY id FOR UPDATE

-- name: advance_many
-- Many logs in one statement: {"<id>": <how many>}.
UPDATE workspaces SET activity_seq = activity_seq + JSON_EXTRACT(%s, CONCAT('$."', id, '"')) WHERE id IN %s

-- name: last_seqs
-- For the poll that finds what the bus did not announce.
SELECT id, activity_seq FROM workspaces WHERE id IN %s

-- name: purgeable
-- Deleted workspaces whose rows are still there.
SELECT id FROM workspaces WHERE deleted_at IS NOT NULL LIMIT 100

-- name: purge
-- Removes a deleted workspace and, by its foreign keys, whatever is left of it.
DELETE FROM workspaces WHERE id = %s AND deleted_at IS NOT NULL
