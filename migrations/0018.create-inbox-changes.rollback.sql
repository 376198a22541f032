DROP TABLE inbox_changes
