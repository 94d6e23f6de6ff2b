-- name: find_tenant
-- tenant: $1
SELECT tenant, salt, created_ns, deleted_ns FROM tenants WHERE tenant = $1;

-- name: tenants
-- tenant: all
SELECT tenant, salt, created_ns, deleted_ns FROM tenants ORDER BY tenant;

-- name: add_tenant
-- tenant: $1
INSERT INTO tenants (tenant, salt, created_ns) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO NOTHING;

-- name: end_tenant
-- tenant: $2
UPDATE tenants SET deleted_ns = $1, salt = ''::bytea WHERE tenant = $2 AND deleted_ns IS NULL;

-- name: find_key
-- tenant: $1
SELECT wrapped FROM subject_keys WHERE tenant = $1 AND tag = $2;

-- name: put_key
-- tenant: $1
INSERT INTO subject_keys (tenant, tag, wrapped) VALUES ($1, $2, $3) ON CONFLICT (tenant, tag) DO NOTHING;

-- name: delete_key
-- tenant: $1
DELETE FROM subject_keys WHERE tenant = $1 AND tag = $2;

-- name: delete_keys
-- tenant: $1
DELETE FROM subject_keys WHERE tenant = $1;
