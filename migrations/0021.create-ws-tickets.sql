-- depends: 0020.create-presence
-- Single-use tickets for opening a socket, valid for 30 s. Only a hash is kept.
CREATE TABLE ws_tickets (
    ticket_hash BINARY(32) NOT NULL PRIMARY KEY,
    session_id BIGINT UNSIGNED NOT NULL,
    expires_at DATETIME NOT NULL,
    KEY ws_tickets_expires (expires_at),
    CONSTRAINT ws_tickets_session FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
