-- name: next_model_number
-- tenant: $1
INSERT INTO model_numbers (tenant, name, last) VALUES ($1, $2, 1)
ON CONFLICT (tenant, name) DO UPDATE SET last = model_numbers.last + 1;

-- name: model_number
-- tenant: $1
SELECT last FROM model_numbers WHERE tenant = $1 AND name = $2;

-- name: add_model_version
-- tenant: $1
INSERT INTO model_versions (tenant, name, number, digest, revision, record_id, body) VALUES ($1, $2, $3, $4, 0, $5, $6)
ON CONFLICT DO NOTHING;

-- name: replace_model_version
-- tenant: $4
UPDATE model_versions SET revision = $1::bigint, record_id = $2, body = $3
WHERE tenant = $4 AND name = $5 AND number = $6 AND revision = $1::bigint - 1;

-- name: find_model_version
-- tenant: $1
SELECT body, record_id FROM model_versions WHERE tenant = $1 AND name = $2 AND number = $3;

-- name: find_model_digest
-- tenant: $1
SELECT number, body, record_id FROM model_versions WHERE tenant = $1 AND name = $2 AND digest = $3;

-- name: model_versions
-- tenant: $1
SELECT number, body, record_id FROM model_versions WHERE tenant = $1 AND name = $2 ORDER BY number;

-- name: model_names
-- tenant: $1
SELECT DISTINCT name FROM model_versions WHERE tenant = $1 ORDER BY name;

-- name: add_model_live
-- tenant: $1
INSERT INTO model_lives (tenant, name, stage, counter, record_id, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: replace_model_live
-- tenant: $4
UPDATE model_lives SET counter = $1::bigint, record_id = $2, body = $3
WHERE tenant = $4 AND name = $5 AND stage = $6 AND counter = $1::bigint - 1;

-- name: find_model_live
-- tenant: $1
SELECT body, record_id FROM model_lives WHERE tenant = $1 AND name = $2 AND stage = $3;

-- name: model_lives
-- tenant: $1
SELECT body, record_id FROM model_lives WHERE tenant = $1 AND name = $2 ORDER BY stage;

-- name: use_model_nonce
-- tenant: $1
INSERT INTO model_nonces (tenant, nonce, expires_ns) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: revoke_model_approval
-- tenant: $1
INSERT INTO model_revoked (tenant, approval, at_ns) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: model_approval_revoked
-- tenant: $1
SELECT 1 FROM model_revoked WHERE tenant = $1 AND approval = $2;

-- name: delete_tenant_model_numbers
-- tenant: $1
DELETE FROM model_numbers WHERE tenant = $1;

-- name: delete_tenant_model_versions
-- tenant: $1
DELETE FROM model_versions WHERE tenant = $1;

-- name: delete_tenant_model_lives
-- tenant: $1
DELETE FROM model_lives WHERE tenant = $1;

-- name: delete_tenant_model_nonces
-- tenant: $1
DELETE FROM model_nonces WHERE tenant = $1;

-- name: delete_tenant_model_revoked
-- tenant: $1
DELETE FROM model_revoked WHERE tenant = $1;
