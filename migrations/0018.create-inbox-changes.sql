-- depends: 0017.create-notifications
-- What else a user's devices must learn in order: notifications read (ref_id is the notification's id, 0 for all) and
-- channels read (ref_id is the channel).
CREATE TABLE inbox_changes (
    user_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    type VARCHAR(20) NOT NULL,
    ref_id BIGINT UNSIGNED NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, seq),
    CONSTRAINT inbox_changes_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
