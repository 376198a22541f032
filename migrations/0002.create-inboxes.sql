-- depends: 0001.create-users
-- The counter of a user's own ordered log (notifications and read marks). Apart from users, so that numbering a notification
-- never waits for the share locks that foreign keys take on users.
CREATE TABLE inboxes (
    user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    last_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    CONSTRAINT inboxes_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
