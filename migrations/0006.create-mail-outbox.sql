-- depends: 0005.create-access-changes
-- Mails that wait to be sent. `sealed` is the message encrypted with a key derived from SECRET_KEY: a mail carries a sign-in code,
-- which must not be readable in the database. A claim (claimed_by until claimed_until) keeps two processes from sending one mail twice.
CREATE TABLE mail_outbox (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    recipient VARCHAR(254) NOT NULL,
    sealed BLOB NOT NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_attempt_at DATETIME NOT NULL,
    give_up_at DATETIME NOT NULL,
    claimed_by VARCHAR(40) NOT NULL DEFAULT '',
    claimed_until DATETIME NULL,
    sent_at DATETIME NULL,
    created_at DATETIME NOT NULL,
    KEY mail_outbox_due (sent_at, next_attempt_at),
    KEY mail_outbox_claim (claimed_by),
    KEY mail_outbox_give_up (give_up_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
