-- depends: 0015.create-activities
-- Messages a day (UTC) and channel, counted in the transaction that writes them. `pluseboard recount` rebuilds it from messages.
CREATE TABLE message_counts (
    workspace_id BIGINT UNSIGNED NOT NULL,
    day DATE NOT NULL,
    channel_id BIGINT UNSIGNED NOT NULL,
    count BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (workspace_id, day, channel_id),
    CONSTRAINT message_counts_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
