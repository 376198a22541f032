DROP TABLE channel_changes
