-- depends: 0018.create-inbox-changes
-- When each user was last seen (a request, a heartbeat or an open socket), written in batches. The index serves active-users.
CREATE TABLE user_activity (
    user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    last_seen_at DATETIME NOT NULL,
    KEY user_activity_seen (last_seen_at),
    CONSTRAINT user_activity_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
