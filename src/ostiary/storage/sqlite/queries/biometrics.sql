-- name: biometric_part
SELECT owner, part, generation, epoch, sealed, updated_ns FROM biometrics
WHERE tenant = ? AND owner = ? AND part = ?;

-- name: biometric_parts
SELECT owner, part, generation, epoch, sealed, updated_ns FROM biometrics
WHERE tenant = ? AND owner = ? ORDER BY part;

-- name: biometric_counts
SELECT part, count(*) FROM biometrics WHERE tenant = ? GROUP BY part ORDER BY part;

-- name: biometric_generation
SELECT generation FROM biometrics WHERE tenant = ? AND owner = ? AND part = ?;

-- name: put_biometric_part
INSERT INTO biometrics (tenant, owner, part, generation, epoch, sealed, updated_ns) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, owner, part) DO UPDATE SET generation = excluded.generation, epoch = excluded.epoch,
  sealed = excluded.sealed, updated_ns = excluded.updated_ns;

-- name: delete_biometrics
DELETE FROM biometrics WHERE tenant = ? AND owner = ?;

-- name: delete_tenant_biometrics
DELETE FROM biometrics WHERE tenant = ?;
