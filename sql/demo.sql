-- name: move_message
-- `pluseboard demo` alone: a message gets the time at which it would have been sent.
UPDATE messages SET created_at = %s WHERE channel_id = %s AND seq = %s

-- name: move_activities
-- `pluseboard demo` alone: what tells of those messages moves with them.
UPDATE activities a JOIN messages m ON m.id = a.ref_id SET a.created_at = m.created_at
WHERE a.workspace_id = %s AND a.type = 'message_sent'

-- name: move_notifications
-- `pluseboard demo` alone: so do the mentions.
UPDATE notifications n JOIN messages m ON m.id = n.message_id SET n.created_at = m.created_at WHERE n.workspace_id = %s

-- name: move_beginnings
-- `pluseboard demo` alone: the workspace, its channels and its memberships are older than its messages.
UPDATE workspaces w JOIN channels c ON c.workspace_id = w.id JOIN workspace_members m ON m.workspace_id = w.id
SET w.created_at = %s, c.created_at = %s, m.joined_at = %s WHERE w.id = %s

-- name: move_other_activities
-- `pluseboard demo` alone: and so is what tells of them.
UPDATE activities SET created_at = %s WHERE workspace_id = %s AND type <> 'message_sent'
