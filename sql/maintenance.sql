-- name: channel_ids
-- `pluseboard purge`: the channels of a deleted workspace, archived and private ones too.
SELECT id FROM channels WHERE workspace_id = %s

-- name: delete_messages
-- `pluseboard purge`: a slice of a channel's messages, so that no transaction grows with the channel.
DELETE FROM messages WHERE channel_id = %s LIMIT 5000

-- name: delete_activities
-- `pluseboard purge`: a slice of a workspace's activities.
DELETE FROM activities WHERE workspace_id = %s LIMIT 5000

-- name: delete_notifications
-- `pluseboard purge`: a slice of the notifications that a workspace caused.
DELETE FROM notifications WHERE workspace_id = %s LIMIT 5000

-- name: delete_sessions
-- `pluseboard purge`: sign-ins that ended or expired a month ago.
DELETE FROM sessions WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 30 DAY OR revoked_at < UTC_TIMESTAMP() - INTERVAL 30 DAY LIMIT 5000

-- name: delete_invitations
-- `pluseboard purge`: invitations that expired a month ago.
DELETE FROM invitations WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 30 DAY LIMIT 5000

-- name: delete_links
-- `pluseboard purge`: invite links that expired a month ago.
DELETE FROM invite_links WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 30 DAY LIMIT 5000

-- name: long_inboxes
-- `pluseboard purge`: users after an id whose own log is long, and where the part begins that may still be replayed.
SELECT user_id, last_seq - 10000 FROM inboxes WHERE user_id > %s AND last_seq > 10000 ORDER BY user_id LIMIT 100

-- name: delete_read_marks
-- `pluseboard purge`: read marks so old that no device is sent them again: it is told to start afresh.
DELETE FROM inbox_changes WHERE user_id = %s AND seq < %s LIMIT 5000

-- name: delete_audit
-- `pluseboard purge`: a slice of the audit log that is older than AUDIT_DAYS, if that is set.
DELETE FROM audit_log WHERE created_at < UTC_TIMESTAMP() - INTERVAL %s DAY LIMIT 5000
