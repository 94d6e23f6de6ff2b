-- name: save_terminated
-- tenant: $1
INSERT INTO sessions (tenant, session_id, ended_ns, reason, subject, cause, mark) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, session_id) DO NOTHING;

-- name: terminated_sessions
-- tenant: all
SELECT tenant, session_id, ended_ns, reason, subject, cause FROM sessions ORDER BY ended_ns;

-- name: new_terminated_sessions
-- tenant: all
SELECT tenant, session_id, ended_ns, reason, subject, cause FROM sessions WHERE mark > $1 ORDER BY mark;

-- name: next_session_mark
-- tenant: none
UPDATE session_mark SET mark = mark + 1;

-- name: session_mark
-- tenant: none
SELECT mark FROM session_mark;

-- name: save_living_session
-- tenant: $1
INSERT INTO living_sessions (tenant, session_id, subject, mark, session) SELECT $1::text, $2::text, $3::text, $4::bigint, $5::bytea
WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE tenant = $1 AND session_id = $2)
ON CONFLICT (tenant, session_id) DO UPDATE
SET subject = excluded.subject, mark = excluded.mark, session = excluded.session;

-- name: drop_living_session
-- tenant: $1
DELETE FROM living_sessions WHERE tenant = $1 AND session_id = $2;

-- name: new_living_sessions
-- tenant: all
SELECT session FROM living_sessions WHERE mark > $1 ORDER BY mark;

-- name: unread_living_session
-- tenant: $1
SELECT session FROM living_sessions WHERE tenant = $1 AND session_id = $2 AND mark > $3;

-- name: unread_living_sessions
-- tenant: all
SELECT tenant, session_id, session FROM living_sessions WHERE mark > $1;

-- name: save_revocation
-- tenant: $1
INSERT INTO subject_revocations (tenant, subject, before_ns, reason, cause, mark) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, subject) DO UPDATE
SET before_ns = excluded.before_ns, reason = excluded.reason, cause = excluded.cause, mark = excluded.mark
WHERE excluded.before_ns > subject_revocations.before_ns;

-- name: new_revocations
-- tenant: all
SELECT tenant, subject, before_ns, reason, cause FROM subject_revocations WHERE mark > $1 ORDER BY mark;

-- name: save_proof
-- tenant: $1
INSERT INTO step_up_proofs (tenant, subject, expires_ns, mark, proof) VALUES ($1, $2, $3, $4, $5);

-- name: new_proofs
-- tenant: all
SELECT proof FROM step_up_proofs WHERE mark > $1 ORDER BY mark, seq;

-- name: drop_proofs
-- tenant: all
DELETE FROM step_up_proofs WHERE expires_ns <= $1;

-- name: erase_subject_sessions
-- tenant: $1
DELETE FROM living_sessions WHERE tenant = $1 AND subject = $2;

-- name: erase_subject_proofs
-- tenant: $1
DELETE FROM step_up_proofs WHERE tenant = $1 AND subject = $2;

-- name: erase_subject_ends
-- tenant: $1
UPDATE sessions SET subject = '' WHERE tenant = $1 AND subject = $2;

-- name: delete_tenant_sessions
-- tenant: $1
DELETE FROM sessions WHERE tenant = $1;

-- name: delete_tenant_living_sessions
-- tenant: $1
DELETE FROM living_sessions WHERE tenant = $1;

-- name: delete_tenant_revocations
-- tenant: $1
DELETE FROM subject_revocations WHERE tenant = $1;

-- name: delete_tenant_proofs
-- tenant: $1
DELETE FROM step_up_proofs WHERE tenant = $1;
