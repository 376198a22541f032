DROP TABLE inboxes
