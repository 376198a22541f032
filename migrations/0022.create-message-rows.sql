-- depends: 0021.create-ws-tickets
-- A message as the API shows it, as one JSON text: the client library decodes one value a row instead of ten, which is most of
-- what a page costs (docs/performance.md). The fields are those of schemas.Message; a test compares the two. Without FORCE INDEX
-- a small users table would be read whole into a join buffer, and the page sorted.
CREATE SQL SECURITY INVOKER VIEW message_rows AS
SELECT m.channel_id, m.seq, m.id, CONCAT(
    '{"id":', m.id,
    ',"channel_id":', m.channel_id,
    ',"seq":', m.seq,
    ',"sender_email":', JSON_QUOTE(u.email),
    ',"sender_name":', JSON_QUOTE(u.full_name),
    ',"body":', JSON_QUOTE(m.body),
    ',"client_msg_id":', IF(LEFT(m.client_msg_id, 1) = '~', 'null', CONCAT('"', m.client_msg_id, '"')),
    ',"created_at":"', DATE_FORMAT(m.created_at, '%Y-%m-%dT%T'),
    '","edited_at":', IFNULL(CONCAT('"', DATE_FORMAT(m.edited_at, '%Y-%m-%dT%T'), '"'), 'null'),
    ',"deleted_at":', IFNULL(CONCAT('"', DATE_FORMAT(m.deleted_at, '%Y-%m-%dT%T'), '"'), 'null'),
    '}') AS json
FROM messages m STRAIGHT_JOIN users u FORCE INDEX (PRIMARY) ON u.id = m.sender_id
