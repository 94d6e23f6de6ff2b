-- name: add_approval_act
INSERT INTO approval_acts (tenant, topic, seq, record_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: approval_acts
SELECT seq, record_id FROM approval_acts WHERE tenant = ? AND topic = ? ORDER BY seq;

-- name: approval_topics
SELECT DISTINCT topic FROM approval_acts
WHERE tenant = ? AND topic >= 'apr_' AND topic < 'apr`' ORDER BY topic DESC LIMIT ?;

-- name: count_approval_acts
SELECT count(*) FROM approval_acts WHERE tenant = ?;

-- name: delete_tenant_approvals
DELETE FROM approval_acts WHERE tenant = ?;
