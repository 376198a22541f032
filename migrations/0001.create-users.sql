-- People. Emails are stored lower-cased and compare byte for byte; usernames are ASCII and compare without case.
-- otp_failures decays with time (see actions/sign_in.py): wrong codes are counted here, so that a new code does not reset them.
CREATE TABLE users (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    username VARCHAR(32) NOT NULL,
    email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    full_name VARCHAR(100) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    otp_failures INT UNSIGNED NOT NULL DEFAULT 0,
    otp_failed_at DATETIME NULL,
    created_at DATETIME NOT NULL,
    UNIQUE KEY users_username (username),
    UNIQUE KEY users_email (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
