-- name: biometric_part
-- tenant: $1
SELECT owner, part, generation, epoch, sealed, updated_ns FROM biometrics
WHERE tenant = $1 AND owner = $2 AND part = $3;

-- name: biometric_parts
-- tenant: $1
SELECT owner, part, generation, epoch, sealed, updated_ns FROM biometrics
WHERE tenant = $1 AND owner = $2 ORDER BY part;

-- name: biometric_counts
-- tenant: $1
SELECT part, count(*) FROM biometrics WHERE tenant = $1 GROUP BY part ORDER BY part;

-- name: biometric_generation
-- tenant: $1
SELECT generation FROM biometrics WHERE tenant = $1 AND owner = $2 AND part = $3;

-- name: put_biometric_part
-- tenant: $1
INSERT INTO biometrics (tenant, owner, part, generation, epoch, sealed, updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, owner, part) DO UPDATE SET generation = excluded.generation, epoch = excluded.epoch,
  sealed = excluded.sealed, updated_ns = excluded.updated_ns;

-- name: delete_biometrics
-- tenant: $1
DELETE FROM biometrics WHERE tenant = $1 AND owner = $2;

-- name: delete_tenant_biometrics
-- tenant: $1
DELETE FROM biometrics WHERE tenant = $1;
