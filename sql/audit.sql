-- name: insert
-- One row, in the transaction of what it tells of. Nothing changes it afterwards.
INSERT INTO audit_log (workspace_id, private_channel_id, actor_id, actor_email, action, target_type, target_id, details, ip, user_agent, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP())

-- name: place
-- When a row of a workspace's log (and, if given, of that person) was written, to go on from there.
SELECT DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T') FROM audit_log WHERE id = %s AND workspace_id = %s AND (%s = 0 OR actor_id = %s)

-- name: page
-- A workspace's log going back from a time (and an id within that second), without the private channels that the reader is not in.
SELECT id, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), NULLIF(actor_id, 0), actor_email, action, target_type, target_id,
    NULLIF(workspace_id, 0), details, ip, user_agent
FROM audit_log FORCE INDEX (audit_log_time) WHERE workspace_id = %s AND created_at >= %s AND created_at <= %s
    AND (created_at < %s OR id < %s) AND private_channel_id IN %s ORDER BY created_at DESC, id DESC LIMIT %s

-- name: page_of_actor
-- The same, of one person. With workspace 0: a person's own sign-ins.
SELECT id, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), NULLIF(actor_id, 0), actor_email, action, target_type, target_id,
    NULLIF(workspace_id, 0), details, ip, user_agent
FROM audit_log FORCE INDEX (audit_log_actor) WHERE workspace_id = %s AND actor_id = %s AND created_at >= %s AND created_at <= %s
    AND (created_at < %s OR id < %s) AND private_channel_id IN %s ORDER BY created_at DESC, id DESC LIMIT %s

-- name: page_of_action
-- The same, of one kind.
SELECT id, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), NULLIF(actor_id, 0), actor_email, action, target_type, target_id,
    NULLIF(workspace_id, 0), details, ip, user_agent
FROM audit_log FORCE INDEX (audit_log_action) WHERE workspace_id = %s AND action = %s AND created_at >= %s AND created_at <= %s
    AND (created_at < %s OR id < %s) AND private_channel_id IN %s ORDER BY created_at DESC, id DESC LIMIT %s

-- name: page_of_both
-- The same, of one kind by one person.
SELECT id, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), NULLIF(actor_id, 0), actor_email, action, target_type, target_id,
    NULLIF(workspace_id, 0), details, ip, user_agent
FROM audit_log FORCE INDEX (audit_log_both) WHERE workspace_id = %s AND actor_id = %s AND action = %s AND created_at >= %s AND created_at <= %s
    AND (created_at < %s OR id < %s) AND private_channel_id IN %s ORDER BY created_at DESC, id DESC LIMIT %s

-- name: all_after
-- `pluseboard audit`: everything after an id, in slices, as far as it fits the filters (0 and '' are none).
SELECT id, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T'), NULLIF(actor_id, 0), actor_email, action, target_type, target_id,
    NULLIF(workspace_id, 0), details, ip, user_agent
FROM audit_log FORCE INDEX (PRIMARY) WHERE id > %s AND created_at >= %s AND (%s = 0 OR workspace_id = %s) AND (%s = '' OR actor_email = %s)
    AND (%s = '' OR action = %s) ORDER BY id LIMIT 500
