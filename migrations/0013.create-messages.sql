-- depends: 0012.create-channel-members
-- Messages, clustered in channel order: a page is one short range read at any depth. number counts the channel's messages from 1.
-- client_msg_id makes a retried send find its first row; a send without one gets one of the server's own, which begins with ~.
CREATE TABLE messages (
    channel_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    number BIGINT UNSIGNED NOT NULL,
    sender_id BIGINT UNSIGNED NOT NULL,
    client_msg_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    body TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    edited_at DATETIME NULL,
    deleted_at DATETIME NULL,
    PRIMARY KEY (channel_id, seq),
    UNIQUE KEY messages_id (id),
    UNIQUE KEY messages_client_msg_id (channel_id, sender_id, client_msg_id),
    KEY messages_sender (sender_id),
    CONSTRAINT messages_channel FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    CONSTRAINT messages_sender FOREIGN KEY (sender_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
