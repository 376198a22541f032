"""What the OpenAPI document says in prose, for all calls together: the envelope, times, signing in, the sockets."""

ABOUT = """\
A collaborative workspace: channels, live messages, presence, activity and analytics.

### Answers

Every answer is JSON and has a `status`: `success`, with what was asked for, or `error`, with a `code` for programs and a \
`message` for people, which names the field and says what is right:

`{"status": "error", "code": "bad_input", "message": "channel_id is required, must be a positive whole number"}`

Paths work with and without the trailing slash. Unknown fields are ignored. What does not exist and what is not yours to know \
are both 404. A method that a path does not have is 405, and `Allow` lists those that it has.

### Times, flags, ids

Times are UTC, written `2025-01-15T10:30:00`. Flags in answers are 0 or 1; in requests true and false do as well. \
Ids are positive whole numbers.

### Signing in

`POST /api/register/`, then `POST /api/request-otp/` to have a six-digit code mailed, then `POST /api/verify-otp/` with \
the code. The answer sets three HttpOnly cookies: `access_token` (15 minutes), `refresh_token` (30 days) and `id_token` \
(15 minutes). Send them along (`credentials: 'include'`); an expired access token is refreshed on the way, and the answer \
carries the new cookies. Programs without cookies send `Authorization: Bearer <access token>`.
"""

SOCKETS = """\
Each takes `?token=` with the access token, `?ticket=` with a single-use ticket from `POST /api/ws-ticket/`, or the cookie. \
Frames are JSON objects with a `type`, handled strictly in order. A frame may carry a `ref`: then an `ack` or `error` with \
the same `ref` tells how it went. Without one only a failure is answered.

What is numbered by `seq` has no holes (of activity one sees a part: there `prev_seq` is the one before). When one is missing, \
subscribe again with `since_seq`, and what was missed comes first.

The server closes a socket with one of these codes:

- `1008` ten bad frames in a row
- `1009` a frame over 64 KiB
- `1011` no pong for 20 seconds
- `1012` the server restarts: connect again
- `1013` the socket could not begin: connect again
- `4008` the client does not read what it is sent
- `4029` more than 100 frames in 10 seconds
- `4401` signed out
"""
