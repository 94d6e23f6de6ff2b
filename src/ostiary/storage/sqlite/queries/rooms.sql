-- name: save_pep
INSERT INTO peps (pep_id, tenant, pep, created_ns) VALUES (?, ?, ?, ?)
ON CONFLICT (pep_id) DO UPDATE SET pep = excluded.pep WHERE peps.tenant = excluded.tenant;

-- name: peps
SELECT pep FROM peps ORDER BY tenant, pep_id;

-- name: delete_pep
DELETE FROM peps WHERE tenant = ? AND pep_id = ?;

-- name: save_snapshot
INSERT INTO snapshots (tenant, kind, name, data, updated_ns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, kind, name) DO UPDATE SET data = excluded.data, updated_ns = excluded.updated_ns;

-- name: add_snapshot
INSERT INTO snapshots (tenant, kind, name, data, updated_ns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, kind, name) DO NOTHING;

-- name: load_snapshot
SELECT data FROM snapshots WHERE tenant = ? AND kind = ? AND name = ?;

-- name: snapshots
SELECT name, data, updated_ns FROM snapshots WHERE tenant = ? AND kind = ? ORDER BY name;

-- name: delete_snapshot
DELETE FROM snapshots WHERE tenant = ? AND kind = ? AND name = ?;

-- name: delete_tenant_peps
DELETE FROM peps WHERE tenant = ?;

-- name: delete_tenant_snapshots
DELETE FROM snapshots WHERE tenant = ?;
