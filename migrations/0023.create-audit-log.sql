-- depends: 0022.create-message-rows
-- Who did what, when and from where: rows are added in the transaction of what they tell of, and never changed. No foreign keys, and
-- the actor's address as it was then: the log outlives what it tells of. workspace_id is 0 for sign-ins; private_channel_id is 0
-- unless the row is about a private channel, whose rows are shown to its members alone.
CREATE TABLE audit_log (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    workspace_id BIGINT UNSIGNED NOT NULL,
    private_channel_id BIGINT UNSIGNED NOT NULL,
    actor_id BIGINT UNSIGNED NOT NULL,
    actor_email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    action VARCHAR(30) NOT NULL,
    target_type VARCHAR(20) NOT NULL,
    target_id BIGINT UNSIGNED NOT NULL,
    details JSON NOT NULL,
    ip VARCHAR(45) NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    created_at DATETIME NOT NULL,
    KEY audit_log_time (workspace_id, created_at),
    KEY audit_log_actor (workspace_id, actor_id, created_at),
    KEY audit_log_action (workspace_id, action, created_at),
    KEY audit_log_both (workspace_id, actor_id, action, created_at),
    KEY audit_log_created (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
