-- depends: 0006.create-mail-outbox
-- A team's space. activity_seq numbers its activity log. A deleted workspace loses its members at once and its rows by `pluseboard purge`.
CREATE TABLE workspaces (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    description VARCHAR(1000) NOT NULL DEFAULT '',
    created_by BIGINT UNSIGNED NOT NULL,
    activity_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    deleted_at DATETIME NULL,
    KEY workspaces_deleted (deleted_at),
    CONSTRAINT workspaces_created_by FOREIGN KEY (created_by) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
