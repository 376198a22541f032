-- name: insert
-- A mail to send, sealed, and the seconds after which it is of no use.
INSERT INTO mail_outbox (recipient, sealed, next_attempt_at, give_up_at, created_at)
VALUES (%s, %s, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL %s SECOND, UTC_TIMESTAMP())

-- name: claim
-- Takes due mails for one sender for a minute. (SKIP LOCKED would be nicer; MySQL 5.7 has none.)
UPDATE mail_outbox SET claimed_by = %s, claimed_until = UTC_TIMESTAMP() + INTERVAL 60 SECOND, attempts = attempts + 1
WHERE sent_at IS NULL AND next_attempt_at <= UTC_TIMESTAMP() AND give_up_at > UTC_TIMESTAMP()
    AND (claimed_until IS NULL OR claimed_until < UTC_TIMESTAMP())
ORDER BY next_attempt_at LIMIT 10

-- name: claimed
-- The mails of this claim.
SELECT id, recipient, sealed, attempts FROM mail_outbox WHERE claimed_by = %s AND sent_at IS NULL

-- name: remove
-- Delivered (or of no use any more): what was secret in it is gone with it.
DELETE FROM mail_outbox WHERE id = %s

-- name: keep
-- Delivered to the development mailbox, which shows it.
UPDATE mail_outbox SET sent_at = UTC_TIMESTAMP(), claimed_by = '' WHERE id = %s

-- name: retry
-- Not delivered: again in so many seconds.
UPDATE mail_outbox SET next_attempt_at = UTC_TIMESTAMP() + INTERVAL %s SECOND, claimed_by = '', claimed_until = NULL WHERE id = %s

-- name: sweep
-- Mails that could not be delivered in time (a minute is left to whoever is sending one), and old ones of the development mailbox.
DELETE FROM mail_outbox WHERE give_up_at < UTC_TIMESTAMP() - INTERVAL 1 MINUTE
    AND (sent_at IS NULL OR sent_at < UTC_TIMESTAMP() - INTERVAL 1 DAY) LIMIT 1000

-- name: mailbox
-- The development mailbox: the newest mails.
SELECT recipient, sealed, DATE_FORMAT(created_at, '%%Y-%%m-%%dT%%T') FROM mail_outbox WHERE sent_at IS NOT NULL ORDER BY id DESC LIMIT 50
