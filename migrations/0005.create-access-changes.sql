-- depends: 0004.create-sessions
-- What every process must learn within a second even when Redis is away: sessions revoked, memberships granted and ended.
-- Read by a poll of the newest seconds; rows older than a day are of no use to anybody.
CREATE TABLE access_changes (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT UNSIGNED NOT NULL,
    kind VARCHAR(20) NOT NULL,
    session_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    workspace_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    channel_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    KEY access_changes_created (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
