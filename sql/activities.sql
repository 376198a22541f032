-- name: insert
-- One activity, at the seq that the caller took from its workspace.
INSERT INTO activities (workspace_id, seq, actor_id, type, ref_id, channel_id, is_private, summary, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: last_id
-- The id of a batch's last row, and the step from one id to the next: with the first id they give all of them.
SELECT id, @@auto_increment_increment FROM activities WHERE workspace_id = %s AND seq = %s

-- name: ids
-- The ids that a batch was given, where they are not in one piece.
SELECT workspace_id, seq, id FROM activities WHERE (workspace_id, seq) IN %s

-- name: page_before
-- A slice of the log going back from a seq, as far as the viewer may see: the workspace's own, the channels in the second list, and
-- public ones unless the viewer is a guest. The slice has an end (the third value), so that its cost has a bound.
SELECT STRAIGHT_JOIN a.id, u.email, a.type, a.ref_id, a.summary, DATE_FORMAT(a.created_at, '%%Y-%%m-%%dT%%T'), a.workspace_id,
    NULLIF(a.channel_id, 0), a.seq
FROM activities a JOIN users u FORCE INDEX (PRIMARY) ON u.id = a.actor_id
WHERE a.workspace_id = %s AND a.seq < %s AND a.seq >= %s AND (a.channel_id IN %s OR (a.is_private = 0 AND %s)) ORDER BY a.seq DESC LIMIT %s

-- name: page_after
-- A replay going on from a seq: everything, with what the hub needs to decide who may see it.
SELECT STRAIGHT_JOIN a.is_private, a.id, u.email, a.type, a.ref_id, a.summary, DATE_FORMAT(a.created_at, '%%Y-%%m-%%dT%%T'), a.workspace_id,
    NULLIF(a.channel_id, 0), a.seq
FROM activities a JOIN users u FORCE INDEX (PRIMARY) ON u.id = a.actor_id WHERE a.workspace_id = %s AND a.seq > %s ORDER BY a.seq LIMIT %s

-- name: seq_of
-- Where an activity stands.
SELECT seq FROM activities WHERE id = %s AND workspace_id = %s

-- name: last_seq
-- The newest number of the log.
SELECT activity_seq FROM workspaces WHERE id = %s
