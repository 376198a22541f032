-- depends: 0002.create-inboxes
-- The one live sign-in code of a user: a keyed hash, never the code. A new code replaces the old one.
CREATE TABLE login_codes (
    user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    code_hash BINARY(32) NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT login_codes_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
