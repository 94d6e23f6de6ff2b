-- name: next_model_number
INSERT INTO model_numbers (tenant, name, last) VALUES (?, ?, 1)
ON CONFLICT (tenant, name) DO UPDATE SET last = last + 1;

-- name: model_number
SELECT last FROM model_numbers WHERE tenant = ? AND name = ?;

-- name: add_model_version
INSERT INTO model_versions (tenant, name, number, digest, revision, record_id, body) VALUES (?, ?, ?, ?, 0, ?, ?)
ON CONFLICT DO NOTHING;

-- name: replace_model_version
UPDATE model_versions SET revision = ?1, record_id = ?2, body = ?3
WHERE tenant = ?4 AND name = ?5 AND number = ?6 AND revision = ?1 - 1;

-- name: find_model_version
SELECT body, record_id FROM model_versions WHERE tenant = ? AND name = ? AND number = ?;

-- name: find_model_digest
SELECT number, body, record_id FROM model_versions WHERE tenant = ? AND name = ? AND digest = ?;

-- name: model_versions
SELECT number, body, record_id FROM model_versions WHERE tenant = ? AND name = ? ORDER BY number;

-- name: model_names
SELECT DISTINCT name FROM model_versions WHERE tenant = ? ORDER BY name;

-- name: add_model_live
INSERT INTO model_lives (tenant, name, stage, counter, record_id, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: replace_model_live
UPDATE model_lives SET counter = ?1, record_id = ?2, body = ?3
WHERE tenant = ?4 AND name = ?5 AND stage = ?6 AND counter = ?1 - 1;

-- name: find_model_live
SELECT body, record_id FROM model_lives WHERE tenant = ? AND name = ? AND stage = ?;

-- name: model_lives
SELECT body, record_id FROM model_lives WHERE tenant = ? AND name = ? ORDER BY stage;

-- name: use_model_nonce
INSERT INTO model_nonces (tenant, nonce, expires_ns) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: revoke_model_approval
INSERT INTO model_revoked (tenant, approval, at_ns) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: model_approval_revoked
SELECT 1 FROM model_revoked WHERE tenant = ? AND approval = ?;

-- name: delete_tenant_model_numbers
DELETE FROM model_numbers WHERE tenant = ?;

-- name: delete_tenant_model_versions
DELETE FROM model_versions WHERE tenant = ?;

-- name: delete_tenant_model_lives
DELETE FROM model_lives WHERE tenant = ?;

-- name: delete_tenant_model_nonces
DELETE FROM model_nonces WHERE tenant = ?;

-- name: delete_tenant_model_revoked
DELETE FROM model_revoked WHERE tenant = ?;
