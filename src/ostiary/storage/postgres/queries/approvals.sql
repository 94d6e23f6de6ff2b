-- name: add_approval_act
-- tenant: $1
INSERT INTO approval_acts (tenant, topic, seq, record_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: approval_acts
-- tenant: $1
SELECT seq, record_id FROM approval_acts WHERE tenant = $1 AND topic = $2 ORDER BY seq;

-- name: approval_topics
-- tenant: $1
SELECT DISTINCT topic FROM approval_acts
WHERE tenant = $1 AND topic >= 'apr_' AND topic < 'apr`' ORDER BY topic DESC LIMIT $2;

-- name: approval_sizes
-- tenant: $1
SELECT topic, count(*) FROM approval_acts
WHERE tenant = $1 AND topic >= 'apr_' AND topic < 'apr`' GROUP BY topic ORDER BY topic DESC LIMIT $2;

-- name: delete_tenant_approvals
-- tenant: $1
DELETE FROM approval_acts WHERE tenant = $1;
