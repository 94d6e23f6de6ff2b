-- name: count_ssf_streams
SELECT count(*), coalesce(sum(owner = ?), 0) FROM ssf_streams WHERE tenant = ?;

-- name: add_ssf_stream
INSERT INTO ssf_streams (tenant, stream_id, owner, stream, made_ns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, stream_id) DO NOTHING;

-- name: replace_ssf_stream
UPDATE ssf_streams SET stream = ? WHERE tenant = ? AND stream_id = ? AND stream = ?;

-- name: delete_ssf_stream
DELETE FROM ssf_streams WHERE tenant = ? AND stream_id = ?;

-- name: find_ssf_stream
SELECT stream FROM ssf_streams WHERE tenant = ? AND stream_id = ?;

-- name: ssf_streams
SELECT stream FROM ssf_streams WHERE tenant = ? ORDER BY made_ns, stream_id;

-- name: all_ssf_streams
SELECT stream FROM ssf_streams ORDER BY tenant, made_ns, stream_id;

-- name: ssf_life
SELECT heard_ns, verified_ns, dropped FROM ssf_streams WHERE tenant = ? AND stream_id = ?;

-- name: hear_ssf_stream
UPDATE ssf_streams SET heard_ns = ? WHERE tenant = ? AND stream_id = ?;

-- name: verify_ssf_stream
UPDATE ssf_streams SET verified_ns = ?, heard_ns = max(heard_ns, ?)
WHERE tenant = ? AND stream_id = ? AND verified_ns <= ?;

-- name: count_ssf_subjects
SELECT count(*) FROM ssf_subjects WHERE tenant = ? AND stream_id = ?;

-- name: add_ssf_subject
INSERT INTO ssf_subjects (tenant, stream_id, subject) VALUES (?, ?, ?)
ON CONFLICT (tenant, stream_id, subject) DO NOTHING;

-- name: remove_ssf_subject
DELETE FROM ssf_subjects WHERE tenant = ? AND stream_id = ? AND subject = ?;

-- name: ssf_subjects
SELECT subject FROM ssf_subjects WHERE tenant = ? AND stream_id = ? ORDER BY subject;

-- name: delete_ssf_subjects
DELETE FROM ssf_subjects WHERE tenant = ? AND stream_id = ?;

-- name: put_ssf_out
INSERT INTO ssf_outbox (tenant, stream_id, jti, token, made_ns, always) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, stream_id, jti) DO NOTHING;

-- name: count_ssf_waiting
SELECT count(*) FROM ssf_outbox WHERE tenant = ? AND stream_id = ?;

-- name: count_all_ssf_waiting
SELECT count(*) FROM ssf_outbox;

-- name: drop_ssf_oldest
DELETE FROM ssf_outbox WHERE seq IN (
  SELECT seq FROM ssf_outbox WHERE tenant = ? AND stream_id = ? ORDER BY seq LIMIT ?
);

-- name: count_ssf_dropped
UPDATE ssf_streams SET dropped = dropped + ? WHERE tenant = ? AND stream_id = ?;

-- name: ssf_waiting
SELECT tenant, stream_id, jti, token, made_ns, always FROM ssf_outbox
WHERE tenant = ? AND stream_id = ? AND always >= ? ORDER BY seq LIMIT ?;

-- name: ssf_delivered
DELETE FROM ssf_outbox WHERE tenant = ? AND stream_id = ? AND jti = ?;

-- name: clear_ssf_outbox
DELETE FROM ssf_outbox WHERE tenant = ? AND stream_id = ? AND always <= ?;

-- name: is_ssf_marked
SELECT 1 FROM ssf_marks WHERE tenant = ? AND receiver = ? AND kind = ? AND digest = ? AND expires_ns > ?;

-- name: count_ssf_marks
SELECT count(*) FROM ssf_marks WHERE tenant = ? AND receiver = ?;

-- name: ssf_mark
INSERT INTO ssf_marks (tenant, receiver, kind, digest, expires_ns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, receiver, kind, digest) DO UPDATE SET expires_ns = max(expires_ns, excluded.expires_ns);

-- name: ssf_unmark
DELETE FROM ssf_marks WHERE tenant = ? AND receiver = ? AND kind = ? AND digest = ?;

-- name: forget_ssf_marks
DELETE FROM ssf_marks WHERE expires_ns <= ?;

-- name: delete_tenant_ssf_streams
DELETE FROM ssf_streams WHERE tenant = ?;

-- name: delete_tenant_ssf_subjects
DELETE FROM ssf_subjects WHERE tenant = ?;

-- name: delete_tenant_ssf_outbox
DELETE FROM ssf_outbox WHERE tenant = ?;

-- name: delete_tenant_ssf_marks
DELETE FROM ssf_marks WHERE tenant = ?;
