-- name: count_ssf_streams
-- tenant: $2
SELECT count(*), count(*) FILTER (WHERE owner = $1) FROM ssf_streams WHERE tenant = $2;

-- name: add_ssf_stream
-- tenant: $1
INSERT INTO ssf_streams (tenant, stream_id, owner, stream, made_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, stream_id) DO NOTHING;

-- name: replace_ssf_stream
-- tenant: $2
UPDATE ssf_streams SET stream = $1 WHERE tenant = $2 AND stream_id = $3 AND stream = $4;

-- name: delete_ssf_stream
-- tenant: $1
DELETE FROM ssf_streams WHERE tenant = $1 AND stream_id = $2;

-- name: find_ssf_stream
-- tenant: $1
SELECT stream FROM ssf_streams WHERE tenant = $1 AND stream_id = $2;

-- name: ssf_streams
-- tenant: $1
SELECT stream FROM ssf_streams WHERE tenant = $1 ORDER BY made_ns, stream_id;

-- name: all_ssf_streams
-- tenant: all
SELECT stream FROM ssf_streams ORDER BY tenant, made_ns, stream_id;

-- name: ssf_life
-- tenant: $1
SELECT heard_ns, verified_ns, dropped FROM ssf_streams WHERE tenant = $1 AND stream_id = $2;

-- name: hear_ssf_stream
-- tenant: $2
UPDATE ssf_streams SET heard_ns = $1 WHERE tenant = $2 AND stream_id = $3;

-- name: verify_ssf_stream
-- tenant: $3
UPDATE ssf_streams SET verified_ns = $1, heard_ns = greatest(heard_ns, $2)
WHERE tenant = $3 AND stream_id = $4 AND verified_ns <= $5;

-- name: count_ssf_subjects
-- tenant: $1
SELECT count(*) FROM ssf_subjects WHERE tenant = $1 AND stream_id = $2;

-- name: add_ssf_subject
-- tenant: $1
INSERT INTO ssf_subjects (tenant, stream_id, subject) VALUES ($1, $2, $3)
ON CONFLICT (tenant, stream_id, subject) DO NOTHING;

-- name: remove_ssf_subject
-- tenant: $1
DELETE FROM ssf_subjects WHERE tenant = $1 AND stream_id = $2 AND subject = $3;

-- name: ssf_subjects
-- tenant: $1
SELECT subject FROM ssf_subjects WHERE tenant = $1 AND stream_id = $2 ORDER BY subject;

-- name: delete_ssf_subjects
-- tenant: $1
DELETE FROM ssf_subjects WHERE tenant = $1 AND stream_id = $2;

-- name: put_ssf_out
-- tenant: $1
INSERT INTO ssf_outbox (tenant, stream_id, jti, token, made_ns, always) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, stream_id, jti) DO NOTHING;

-- name: count_ssf_waiting
-- tenant: $1
SELECT count(*) FROM ssf_outbox WHERE tenant = $1 AND stream_id = $2;

-- name: count_all_ssf_waiting
-- tenant: all
SELECT count(*) FROM ssf_outbox;

-- name: drop_ssf_oldest
-- tenant: $1
DELETE FROM ssf_outbox WHERE seq IN (
  SELECT seq FROM ssf_outbox WHERE tenant = $1 AND stream_id = $2 ORDER BY seq LIMIT $3
);

-- name: count_ssf_dropped
-- tenant: $2
UPDATE ssf_streams SET dropped = dropped + $1 WHERE tenant = $2 AND stream_id = $3;

-- name: ssf_waiting
-- tenant: $1
SELECT tenant, stream_id, jti, token, made_ns, always FROM ssf_outbox
WHERE tenant = $1 AND stream_id = $2 AND always >= $3 ORDER BY seq LIMIT $4;

-- name: ssf_delivered
-- tenant: $1
DELETE FROM ssf_outbox WHERE tenant = $1 AND stream_id = $2 AND jti = $3;

-- name: clear_ssf_outbox
-- tenant: $1
DELETE FROM ssf_outbox WHERE tenant = $1 AND stream_id = $2 AND always <= $3;

-- name: is_ssf_marked
-- tenant: $1
SELECT 1 FROM ssf_marks WHERE tenant = $1 AND receiver = $2 AND kind = $3 AND digest = $4 AND expires_ns > $5;

-- name: count_ssf_marks
-- tenant: $1
SELECT count(*) FROM ssf_marks WHERE tenant = $1 AND receiver = $2;

-- name: ssf_mark
-- tenant: $1
INSERT INTO ssf_marks (tenant, receiver, kind, digest, expires_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, receiver, kind, digest) DO UPDATE SET expires_ns = greatest(ssf_marks.expires_ns, excluded.expires_ns);

-- name: ssf_unmark
-- tenant: $1
DELETE FROM ssf_marks WHERE tenant = $1 AND receiver = $2 AND kind = $3 AND digest = $4;

-- name: forget_ssf_marks
-- tenant: all
DELETE FROM ssf_marks WHERE expires_ns <= $1;

-- name: delete_tenant_ssf_streams
-- tenant: $1
DELETE FROM ssf_streams WHERE tenant = $1;

-- name: delete_tenant_ssf_subjects
-- tenant: $1
DELETE FROM ssf_subjects WHERE tenant = $1;

-- name: delete_tenant_ssf_outbox
-- tenant: $1
DELETE FROM ssf_outbox WHERE tenant = $1;

-- name: delete_tenant_ssf_marks
-- tenant: $1
DELETE FROM ssf_marks WHERE tenant = $1;
