-- depends: 0010.create-invite-links
-- last_seq numbers the channel's ordered log (messages and channel_changes together); message_count numbers its messages alone.
-- live_name is the case-folded name while the channel is live and NULL when it is archived: unique among a workspace's live channels.
CREATE TABLE channels (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    workspace_id BIGINT UNSIGNED NOT NULL,
    name VARCHAR(80) NOT NULL,
    live_name VARCHAR(240) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    topic VARCHAR(250) NOT NULL DEFAULT '',
    description VARCHAR(1000) NOT NULL DEFAULT '',
    is_private TINYINT UNSIGNED NOT NULL DEFAULT 0,
    is_default TINYINT UNSIGNED NOT NULL DEFAULT 0,
    created_by BIGINT UNSIGNED NOT NULL,
    last_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    message_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    archived_at DATETIME NULL,
    UNIQUE KEY channels_live_name (workspace_id, live_name),
    KEY channels_workspace (workspace_id),
    KEY channels_default (workspace_id, is_default),
    CONSTRAINT channels_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT channels_created_by FOREIGN KEY (created_by) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
