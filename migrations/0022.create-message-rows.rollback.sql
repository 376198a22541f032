DROP VIEW message_rows
