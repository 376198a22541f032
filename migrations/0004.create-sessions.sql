-- depends: 0003.create-login-codes
-- A sign-in on one device: the family of its refresh tokens. generation is the number of the one refresh token that is valid;
-- rotated_at is its iat, so that the same successor can be issued again within the grace.
CREATE TABLE sessions (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT UNSIGNED NOT NULL,
    generation INT UNSIGNED NOT NULL DEFAULT 1,
    device VARCHAR(255) NOT NULL,
    ip VARCHAR(45) NOT NULL,
    created_at DATETIME NOT NULL,
    rotated_at DATETIME NOT NULL,
    last_used_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    revoked_at DATETIME NULL,
    KEY sessions_user (user_id, revoked_at),
    CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
