-- name: save_terminated
INSERT INTO sessions (tenant, session_id, ended_ns, reason, subject, cause, mark) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, session_id) DO NOTHING;

-- name: terminated_sessions
SELECT tenant, session_id, ended_ns, reason, subject, cause FROM sessions ORDER BY ended_ns;

-- name: new_terminated_sessions
SELECT tenant, session_id, ended_ns, reason, subject, cause FROM sessions WHERE mark > ? ORDER BY mark;

-- name: next_session_mark
UPDATE session_mark SET mark = mark + 1;

-- name: session_mark
SELECT mark FROM session_mark;

-- name: save_living_session
INSERT INTO living_sessions (tenant, session_id, subject, mark, session) SELECT ?1, ?2, ?3, ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE tenant = ?1 AND session_id = ?2)
ON CONFLICT (tenant, session_id) DO UPDATE
SET subject = excluded.subject, mark = excluded.mark, session = excluded.session;

-- name: drop_living_session
DELETE FROM living_sessions WHERE tenant = ? AND session_id = ?;

-- name: new_living_sessions
SELECT session FROM living_sessions WHERE mark > ? ORDER BY mark;

-- name: unread_living_session
SELECT session FROM living_sessions WHERE tenant = ? AND session_id = ? AND mark > ?;

-- name: unread_living_sessions
SELECT tenant, session_id, session FROM living_sessions WHERE mark > ?;

-- name: save_revocation
INSERT INTO subject_revocations (tenant, subject, before_ns, reason, cause, mark) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, subject) DO UPDATE
SET before_ns = excluded.before_ns, reason = excluded.reason, cause = excluded.cause, mark = excluded.mark
WHERE excluded.before_ns > subject_revocations.before_ns;

-- name: new_revocations
SELECT tenant, subject, before_ns, reason, cause FROM subject_revocations WHERE mark > ? ORDER BY mark;

-- name: save_proof
INSERT INTO step_up_proofs (tenant, subject, expires_ns, mark, proof) VALUES (?, ?, ?, ?, ?);

-- name: new_proofs
SELECT proof FROM step_up_proofs WHERE mark > ? ORDER BY mark, rowid;

-- name: drop_proofs
DELETE FROM step_up_proofs WHERE expires_ns <= ?;

-- name: erase_subject_sessions
DELETE FROM living_sessions WHERE tenant = ? AND subject = ?;

-- name: erase_subject_proofs
DELETE FROM step_up_proofs WHERE tenant = ? AND subject = ?;

-- name: erase_subject_ends
UPDATE sessions SET subject = '' WHERE tenant = ? AND subject = ?;

-- name: delete_tenant_sessions
DELETE FROM sessions WHERE tenant = ?;

-- name: delete_tenant_living_sessions
DELETE FROM living_sessions WHERE tenant = ?;

-- name: delete_tenant_revocations
DELETE FROM subject_revocations WHERE tenant = ?;

-- name: delete_tenant_proofs
DELETE FROM step_up_proofs WHERE tenant = ?;
