-- name: insert
-- Adds a member; the primary key refuses a second time.
INSERT INTO workspace_members (workspace_id, user_id, role, joined_at) VALUES (%s, %s, %s, UTC_TIMESTAMP())

-- name: role_of
-- The user's role in a workspace.
SELECT role FROM workspace_members WHERE workspace_id = %s AND user_id = %s

-- name: lock_roles
-- The roles of two people, locked in one order, before one changes the other. (Pairs: with IN for the user alone MariaDB would read,
-- and lock, the whole workspace.)
SELECT user_id, role FROM workspace_members FORCE INDEX (PRIMARY) WHERE (workspace_id, user_id) IN %s ORDER BY workspace_id, user_id FOR UPDATE

-- name: roles_of_pairs
-- Roles for many (workspace, user) pairs: the permission query of a batch of messages. Locked, so that whoever ends a membership
-- waits for the batch, and the batch does not bring it back. (Planned over two indexes it would cost twice.)
SELECT workspace_id, user_id, role FROM workspace_members FORCE INDEX (PRIMARY) WHERE (workspace_id, user_id) IN %s LOCK IN SHARE MODE

-- name: list
-- The members of a workspace after a user id, with what the presence rows of the last 30 s say of each.
SELECT STRAIGHT_JOIN u.id, u.username, u.email, u.full_name, m.role, DATE_FORMAT(m.joined_at, '%%Y-%%m-%%dT%%T'),
    CASE (SELECT MAX(p.status = 'online') < MAX(p.status = 'idle') FROM presence p WHERE p.user_id = m.user_id
        AND p.seen_at >= UTC_TIMESTAMP() - INTERVAL 30 SECOND) WHEN 1 THEN 'idle' WHEN 0 THEN 'online' ELSE 'offline' END
FROM workspace_members m JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = %s AND m.user_id > %s ORDER BY m.user_id LIMIT %s

-- name: profile
-- One member.
SELECT u.id, u.username, u.email, u.full_name, m.role FROM workspace_members m JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = %s AND m.user_id = %s

-- name: change_role
-- Another role.
UPDATE workspace_members SET role = %s WHERE workspace_id = %s AND user_id = %s

-- name: delete
-- Leaves or is removed.
DELETE FROM workspace_members WHERE workspace_id = %s AND user_id = %s

-- name: delete_from_channels
-- Whoever leaves a workspace leaves its channels.
DELETE cm FROM channel_members cm JOIN channels c ON c.id = cm.channel_id WHERE c.workspace_id = %s AND cm.user_id = %s

-- name: delete_all
-- The end of a workspace.
DELETE FROM workspace_members WHERE workspace_id = %s

-- name: workspace_ids_of_users
-- Who shares which workspaces, for presence.
SELECT user_id, workspace_id FROM workspace_members WHERE user_id IN %s
