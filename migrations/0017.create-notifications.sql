-- depends: 0016.create-message-counts
-- A user's notifications, clustered in the order of the user's own log (inboxes.last_seq).
CREATE TABLE notifications (
    user_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    kind VARCHAR(20) NOT NULL,
    actor_id BIGINT UNSIGNED NOT NULL,
    workspace_id BIGINT UNSIGNED NOT NULL,
    channel_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    message_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    message_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    line VARCHAR(500) NOT NULL,
    created_at DATETIME NOT NULL,
    read_at DATETIME NULL,
    PRIMARY KEY (user_id, seq),
    UNIQUE KEY notifications_id (id),
    KEY notifications_unread (user_id, read_at, kind, channel_id, message_seq),
    KEY notifications_unread_order (user_id, read_at, seq),
    KEY notifications_workspace (workspace_id),
    CONSTRAINT notifications_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT notifications_actor FOREIGN KEY (actor_id) REFERENCES users (id),
    CONSTRAINT notifications_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
