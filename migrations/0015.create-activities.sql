-- depends: 0014.create-channel-changes
-- A workspace's activity log, clustered in its order. channel_id is 0 for what happened to the workspace itself; a private channel's
-- rows are shown to its members alone, a public channel's to everybody but guests who are not in it.
CREATE TABLE activities (
    workspace_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    actor_id BIGINT UNSIGNED NOT NULL,
    type VARCHAR(30) NOT NULL,
    ref_id BIGINT UNSIGNED NOT NULL,
    channel_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    is_private TINYINT UNSIGNED NOT NULL DEFAULT 0,
    summary VARCHAR(500) NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (workspace_id, seq),
    UNIQUE KEY activities_id (id),
    CONSTRAINT activities_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT activities_actor FOREIGN KEY (actor_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
