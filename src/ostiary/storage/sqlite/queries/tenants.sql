-- name: find_tenant
SELECT tenant, salt, created_ns, deleted_ns FROM tenants WHERE tenant = ?;

-- name: tenants
SELECT tenant, salt, created_ns, deleted_ns FROM tenants ORDER BY tenant;

-- name: add_tenant
INSERT INTO tenants (tenant, salt, created_ns) VALUES (?, ?, ?) ON CONFLICT (tenant) DO NOTHING;

-- name: end_tenant
UPDATE tenants SET deleted_ns = ?, salt = x'' WHERE tenant = ? AND deleted_ns IS NULL;

-- name: find_key
SELECT wrapped FROM subject_keys WHERE tenant = ? AND tag = ?;

-- name: put_key
INSERT INTO subject_keys (tenant, tag, wrapped) VALUES (?, ?, ?) ON CONFLICT (tenant, tag) DO NOTHING;

-- name: delete_key
DELETE FROM subject_keys WHERE tenant = ? AND tag = ?;

-- name: delete_keys
DELETE FROM subject_keys WHERE tenant = ?;
