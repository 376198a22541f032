-- name: replace
-- A new sign-in code kills the old one. The time is five minutes.
REPLACE INTO login_codes (user_id, code_hash, expires_at) VALUES (%s, %s, UTC_TIMESTAMP() + INTERVAL 300 SECOND)

-- name: lock_attempt
-- The user who tries a code, locked: parallel tries queue here, so one code signs in once and failures are counted one by one.
-- Failures fade: one is forgotten every three minutes since the last.
SELECT id, username, email, full_name,
    GREATEST(0, CAST(otp_failures AS SIGNED) - IFNULL(TIMESTAMPDIFF(SECOND, otp_failed_at, UTC_TIMESTAMP()) DIV 180, 0))
FROM users WHERE email = %s FOR UPDATE

-- name: live_hash
-- The hash of the user's live code.
SELECT code_hash FROM login_codes WHERE user_id = %s AND expires_at > UTC_TIMESTAMP()

-- name: count_failure
-- A wrong code: what has not faded, and one more.
UPDATE users SET otp_failures = %s, otp_failed_at = UTC_TIMESTAMP() WHERE id = %s

-- name: forget_failures
-- A right code clears the count.
UPDATE users SET otp_failures = 0, otp_failed_at = NULL WHERE id = %s

-- name: consume
-- A code is used once.
DELETE FROM login_codes WHERE user_id = %s
