-- name: save_used_token
INSERT INTO used_tokens (tenant, key, expires_ns) VALUES (?, ?, ?) ON CONFLICT (tenant, key) DO NOTHING;

-- name: count_used_tokens
SELECT count(*) FROM used_tokens WHERE tenant = ?;

-- name: forget_used_tokens
DELETE FROM used_tokens WHERE expires_ns <= ?;

-- name: delete_tenant_used_tokens
DELETE FROM used_tokens WHERE tenant = ?;
