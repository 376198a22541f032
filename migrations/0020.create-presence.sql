-- depends: 0019.create-user-activity
-- Who has a socket on which process. Each process refreshes its rows while the sockets live; a row that nobody refreshed for 30 s
-- is swept by any process, so that a killed process leaves nobody online.
CREATE TABLE presence (
    user_id BIGINT UNSIGNED NOT NULL,
    node_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status VARCHAR(10) NOT NULL,
    seen_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, node_id),
    KEY presence_seen (seen_at),
    CONSTRAINT presence_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
