-- depends: 0013.create-messages
-- What else happened in a channel's ordered log: edits and deletions, each with the seq it took. The text stands in messages alone,
-- so that a deleted text is nowhere else.
CREATE TABLE channel_changes (
    channel_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    type VARCHAR(20) NOT NULL,
    message_seq BIGINT UNSIGNED NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (channel_id, seq),
    CONSTRAINT channel_changes_channel FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
