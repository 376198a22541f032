-- name: upsert
-- Invites an address, or renews its invitation.
INSERT INTO invitations (workspace_id, email, role, invited_by, created_at, expires_at)
VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 30 DAY)
ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), role = VALUES(role), invited_by = VALUES(invited_by), created_at = VALUES(created_at), expires_at = VALUES(expires_at)

-- name: list
-- The open invitations of a workspace.
SELECT STRAIGHT_JOIN i.id, i.email, i.role, u.email, DATE_FORMAT(i.created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(i.expires_at, '%%Y-%%m-%%dT%%T')
FROM invitations i JOIN users u ON u.id = i.invited_by WHERE i.workspace_id = %s AND i.expires_at > UTC_TIMESTAMP() ORDER BY i.email

-- name: email_of
-- Whom an invitation was for.
SELECT email FROM invitations WHERE id = %s AND workspace_id = %s

-- name: delete
-- Takes an invitation back.
DELETE FROM invitations WHERE id = %s AND workspace_id = %s

-- name: for_email
-- What waits for somebody who has just proved an address, with who invited them. (Nothing is locked: whoever consumes it, has it.)
SELECT STRAIGHT_JOIN i.id, i.workspace_id, i.role, u.id, u.username, u.email, u.full_name
FROM invitations i JOIN workspaces w ON w.id = i.workspace_id JOIN users u ON u.id = i.invited_by
WHERE i.email = %s AND i.expires_at > UTC_TIMESTAMP() AND w.deleted_at IS NULL

-- name: consume
-- An invitation is used once.
DELETE FROM invitations WHERE id = %s

-- name: insert_link
-- A shareable link.
INSERT INTO invite_links (workspace_id, token_hash, role, max_uses, created_by, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL %s HOUR)

-- name: list_links
-- The links of a workspace that still work.
SELECT STRAIGHT_JOIN l.id, l.role, l.max_uses, l.uses, u.email, DATE_FORMAT(l.created_at, '%%Y-%%m-%%dT%%T'), DATE_FORMAT(l.expires_at, '%%Y-%%m-%%dT%%T')
FROM invite_links l JOIN users u ON u.id = l.created_by
WHERE l.workspace_id = %s AND l.expires_at > UTC_TIMESTAMP() AND l.uses < l.max_uses ORDER BY l.id

-- name: delete_link
-- Ends a link.
DELETE FROM invite_links WHERE id = %s AND workspace_id = %s

-- name: open_link
-- The link behind a token, if it still works.
SELECT l.id, l.workspace_id, w.name, l.role, DATE_FORMAT(l.expires_at, '%%Y-%%m-%%dT%%T')
FROM invite_links l JOIN workspaces w ON w.id = l.workspace_id
WHERE l.token_hash = %s AND l.expires_at > UTC_TIMESTAMP() AND l.uses < l.max_uses AND w.deleted_at IS NULL

-- name: use_link
-- Counts a use; changes no row once the count is reached, whoever comes at the same time.
UPDATE invite_links SET uses = uses + 1 WHERE id = %s AND uses < max_uses
