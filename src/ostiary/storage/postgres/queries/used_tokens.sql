-- name: save_used_token
-- tenant: $1
INSERT INTO used_tokens (tenant, key, expires_ns) VALUES ($1, $2, $3) ON CONFLICT (tenant, key) DO NOTHING;

-- name: count_used_tokens
-- tenant: $1
SELECT count(*) FROM used_tokens WHERE tenant = $1;

-- name: forget_used_tokens
-- tenant: all
DELETE FROM used_tokens WHERE expires_ns <= $1;

-- name: delete_tenant_used_tokens
-- tenant: $1
DELETE FROM used_tokens WHERE tenant = $1;
