DROP TABLE notifications
