-- depends: 0011.create-channels
-- Who is in a channel, and how far each has read: unread = channels.message_count - read_count.
CREATE TABLE channel_members (
    channel_id BIGINT UNSIGNED NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    read_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    read_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
    joined_at DATETIME NOT NULL,
    PRIMARY KEY (channel_id, user_id),
    KEY channel_members_user (user_id, channel_id),
    CONSTRAINT channel_members_channel FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    CONSTRAINT channel_members_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
