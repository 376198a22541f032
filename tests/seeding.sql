-- Fills a migrated database to a realistic size in a few seconds (tests/seeding.py runs it).
--
-- Users 1 to 2000 are in workspace 1, with channels 1 to 200; users 2001 to 4000 in workspace 2, with channels 201 to 400; the other
-- workspaces are small. Every fifth channel is private, every twentieth is archived. Channel 1 has a log of 100,000 entries, every
-- 50th of which is an edit. User 1 is the one who is asked about: in 19 small workspaces too, in half of the channels of workspace 1,
-- with 10,000 notifications. (STRAIGHT_JOIN: the server has no statistics yet, and would now and then multiply large tables.)

CREATE TABLE digits (d INT NOT NULL PRIMARY KEY);

INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);

CREATE TABLE numbers (n INT NOT NULL PRIMARY KEY);

INSERT INTO numbers SELECT a.d + b.d * 10 + c.d * 100 + d.d * 1000 + e.d * 10000 FROM digits a JOIN digits b JOIN digits c
    JOIN digits d JOIN digits e;

INSERT INTO numbers VALUES (100000);

INSERT INTO users (id, username, email, full_name, password_hash, created_at)
    SELECT n, CONCAT('user', n), CONCAT('user', n, '@example.com'), CONCAT('User ', n), REPEAT('x', 97), UTC_TIMESTAMP()
    FROM numbers WHERE n BETWEEN 1 AND 4000;

INSERT INTO inboxes SELECT id, 20000 FROM users;

INSERT INTO login_codes SELECT id, REPEAT('c', 32), UTC_TIMESTAMP() + INTERVAL 5 MINUTE FROM users WHERE id % 5 = 1;

INSERT INTO sessions (user_id, device, ip, created_at, rotated_at, last_used_at, expires_at, revoked_at)
    SELECT u.id, 'Firefox', '127.0.0.1', UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 30 DAY,
    IF(f.n < 3, NULL, UTC_TIMESTAMP()) FROM users u STRAIGHT_JOIN numbers f
    ON f.n < 30 AND f.n < IF(u.id = 1, 30, 5);

INSERT INTO ws_tickets SELECT UNHEX(SHA2(n, 256)), n, UTC_TIMESTAMP() + INTERVAL n - 100 SECOND FROM numbers
    WHERE n BETWEEN 1 AND 500;

INSERT INTO access_changes (user_id, kind, created_at) SELECT n, 'session_revoked', UTC_TIMESTAMP() - INTERVAL n SECOND
    FROM numbers WHERE n BETWEEN 1 AND 20000;

INSERT INTO mail_outbox (recipient, sealed, next_attempt_at, give_up_at, claimed_by, sent_at, created_at)
    SELECT 'user@example.com', REPEAT('s', 900), UTC_TIMESTAMP() - INTERVAL n SECOND, UTC_TIMESTAMP() + INTERVAL 300 - n SECOND,
    IF(n < 5, 'somebody', ''), IF(n % 2, UTC_TIMESTAMP(), NULL), UTC_TIMESTAMP() FROM numbers WHERE n < 2000;

INSERT INTO workspaces (id, name, created_by, activity_seq, created_at, deleted_at)
    SELECT n, CONCAT('Workspace ', n), 1, 100000, UTC_TIMESTAMP(), IF(n > 490, UTC_TIMESTAMP(), NULL) FROM numbers
    WHERE n BETWEEN 1 AND 500;

INSERT INTO workspace_members SELECT IF(id <= 2000, 1, 2), id, IF(id % 2000 = 1, 'owner', IF(id % 50 = 0, 'guest', 'member')),
    UTC_TIMESTAMP() FROM users;

INSERT INTO workspace_members SELECT w.id, 1 + (w.id * u.d) % 1999, 'member', UTC_TIMESTAMP() FROM workspaces w STRAIGHT_JOIN digits u
    WHERE w.id BETWEEN 3 AND 490 AND (u.d > 0 OR w.id < 22);

INSERT INTO invitations (workspace_id, email, role, invited_by, created_at, expires_at) SELECT 1 + n % 20,
    CONCAT('new', n DIV 4, '@example.com'), 'member', 1, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL n % 60 - 5 DAY FROM numbers
    WHERE n < 2000;

INSERT INTO invite_links (workspace_id, token_hash, role, max_uses, created_by, created_at, expires_at) SELECT 1 + n % 20,
    UNHEX(SHA2(n, 256)), 'member', 10, 1, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL n % 60 - 5 DAY FROM numbers
    WHERE n < 1000;

INSERT INTO channels (id, workspace_id, name, live_name, is_private, is_default, created_by, last_seq, message_count, created_at,
    archived_at) SELECT n, IF(n <= 200, 1, 2), CONCAT('channel-', n), IF(n % 20 = 3, NULL, CONCAT('channel-', n)), n % 5 = 0,
    n % 200 = 1, 1, 100000, 100000 - 100000 DIV 50, UTC_TIMESTAMP(), IF(n % 20 = 3, UTC_TIMESTAMP(), NULL) FROM numbers
    WHERE n BETWEEN 1 AND 400;

INSERT INTO channels (workspace_id, name, live_name, created_by, created_at) SELECT w.id, CONCAT('channel-', f.d),
    CONCAT('channel-', f.d), 1, UTC_TIMESTAMP() FROM workspaces w STRAIGHT_JOIN digits f ON f.d < 5 WHERE w.id > 2;

INSERT INTO channel_members SELECT c.id, m.user_id, 99000, 97000, UTC_TIMESTAMP() FROM channels c
    STRAIGHT_JOIN workspace_members m ON m.workspace_id = c.workspace_id
    WHERE c.workspace_id > 2 OR c.id % 200 = 1 OR (m.user_id + c.id) % 40 = 0 OR (m.user_id = 1 AND c.id % 2 = 0);

INSERT INTO messages (channel_id, seq, number, sender_id, client_msg_id, body, created_at)
    SELECT 1, n, n - n DIV 50, 1 + n % 1000, CONCAT('~', n), CONCAT('Message ', n, ' ', REPEAT('word ', n % 20)),
    UTC_TIMESTAMP() - INTERVAL (100000 - n) * 12 SECOND FROM numbers WHERE n BETWEEN 1 AND 100000 AND n % 50 > 0;

INSERT INTO messages (channel_id, seq, number, sender_id, client_msg_id, body, created_at)
    SELECT c.id, f.n, f.n, 1, CONCAT('~', f.n), 'Hello', UTC_TIMESTAMP() FROM channels c STRAIGHT_JOIN numbers f ON f.n BETWEEN 1 AND 20
    WHERE c.id BETWEEN 201 AND 400;

INSERT INTO channel_changes SELECT 1, n, 'message_updated', n - 1, UTC_TIMESTAMP() FROM numbers
    WHERE n BETWEEN 1 AND 100000 AND n % 50 = 0;

INSERT INTO activities (workspace_id, seq, actor_id, type, ref_id, channel_id, is_private, summary, created_at)
    SELECT 1, n, 1 + n % 1000, 'message_sent', n, 1 + n % 200, (1 + n % 200) % 5 = 0, 'User sent a message in #channel',
    UTC_TIMESTAMP() FROM numbers WHERE n BETWEEN 45000 AND 55000;

INSERT INTO message_counts SELECT c.workspace_id, UTC_DATE() - INTERVAL d.n DAY, c.id, 20 FROM channels c
    STRAIGHT_JOIN numbers d ON d.n < 100 WHERE c.workspace_id = 1;

INSERT INTO notifications (user_id, seq, kind, actor_id, workspace_id, channel_id, message_id, message_seq, line, created_at,
    read_at) SELECT 1, n, IF(n % 3, 'mention', 'channel_added'), 2, 1, 1 + n % 200, n, n, 'User mentioned you', UTC_TIMESTAMP(),
    IF(n % 200 < 2, NULL, UTC_TIMESTAMP()) FROM numbers WHERE n BETWEEN 1 AND 10000;

INSERT INTO notifications (user_id, seq, kind, actor_id, workspace_id, line, created_at)
    SELECT u.id, f.n, 'workspace_added', 1, 1, 'User added you', UTC_TIMESTAMP() FROM users u STRAIGHT_JOIN numbers f
    ON f.n BETWEEN 1 AND 5 WHERE u.id > 1;

INSERT INTO inbox_changes SELECT 1, n + 10000, 'channel_read', 1 + n % 200, UTC_TIMESTAMP() FROM numbers
    WHERE n BETWEEN 1 AND 10000;

INSERT INTO user_activity SELECT id, UTC_TIMESTAMP() - INTERVAL id MINUTE FROM users;

INSERT INTO presence SELECT id, 'node-1', IF(id % 3, 'online', 'idle'), UTC_TIMESTAMP() + INTERVAL IF(id % 10, 600, -60) SECOND
    FROM users;

INSERT INTO audit_log (workspace_id, private_channel_id, actor_id, actor_email, action, target_type, target_id, details, ip,
    user_agent, created_at) SELECT n % 3, IF(n % 60 = 1, 5, 0), 1 + n DIV 3 % 20, CONCAT('user', 1 + n DIV 3 % 20, '@example.com'),
    IF(n DIV 60 % 10, 'channel_archived', 'member_added'), 'user', 2, '{}', '127.0.0.1', 'Firefox',
    '2024-12-25' + INTERVAL n MINUTE FROM numbers WHERE n BETWEEN 1 AND 50000;
