DROP TABLE channels
