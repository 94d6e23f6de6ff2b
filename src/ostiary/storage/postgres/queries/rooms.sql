-- name: save_pep
-- tenant: all
INSERT INTO peps (pep_id, tenant, pep, created_ns) VALUES ($1, $2, $3, $4)
ON CONFLICT (pep_id) DO UPDATE SET pep = excluded.pep WHERE peps.tenant = excluded.tenant;

-- name: peps
-- tenant: all
SELECT pep FROM peps ORDER BY tenant, pep_id;

-- name: delete_pep
-- tenant: $1
DELETE FROM peps WHERE tenant = $1 AND pep_id = $2;

-- name: save_snapshot
-- tenant: $1
INSERT INTO snapshots (tenant, kind, name, data, updated_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, kind, name) DO UPDATE SET data = excluded.data, updated_ns = excluded.updated_ns;

-- name: add_snapshot
-- tenant: $1
INSERT INTO snapshots (tenant, kind, name, data, updated_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, kind, name) DO NOTHING;

-- name: load_snapshot
-- tenant: $1
SELECT data FROM snapshots WHERE tenant = $1 AND kind = $2 AND name = $3;

-- name: snapshots
-- tenant: $1
SELECT name, data, updated_ns FROM snapshots WHERE tenant = $1 AND kind = $2 ORDER BY name;

-- name: delete_snapshot
-- tenant: $1
DELETE FROM snapshots WHERE tenant = $1 AND kind = $2 AND name = $3;

-- name: delete_tenant_peps
-- tenant: $1
DELETE FROM peps WHERE tenant = $1;

-- name: delete_tenant_snapshots
-- tenant: $1
DELETE FROM snapshots WHERE tenant = $1;
