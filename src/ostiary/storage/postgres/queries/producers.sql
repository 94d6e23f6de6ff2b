-- name: find_producer
-- tenant: $1
SELECT tenant, name, public_key, thumbprint, added_ns, revoked_ns, distrusted_ns, sequence, head, head_ns
FROM producers WHERE tenant = $1 AND name = $2;

-- name: tenant_producers
-- tenant: $1
SELECT tenant, name, public_key, thumbprint, added_ns, revoked_ns, distrusted_ns, sequence, head, head_ns
FROM producers WHERE tenant = $1 ORDER BY name;

-- name: add_producer
-- tenant: $1
INSERT INTO producers (tenant, name, public_key, thumbprint, added_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: revoke_producer
-- tenant: $3
UPDATE producers
SET revoked_ns = CASE revoked_ns WHEN 0 THEN $1::bigint ELSE revoked_ns END,
  distrusted_ns = CASE
    WHEN $2::bigint IS NULL THEN distrusted_ns
    WHEN distrusted_ns IS NULL THEN $2::bigint
    ELSE least(distrusted_ns, $2::bigint)
  END
WHERE tenant = $3 AND name = $4;

-- name: advance_producer
-- tenant: $4
UPDATE producers SET sequence = $1, head = $2, head_ns = $3
WHERE tenant = $4 AND name = $5 AND sequence = $6 AND head = $7 AND revoked_ns = 0;

-- name: count_batch_refusal
-- tenant: $1
INSERT INTO batch_refusals (tenant, code, number) VALUES ($1, $2, 1)
ON CONFLICT (tenant, code) DO UPDATE SET number = batch_refusals.number + 1;

-- name: batch_refusals
-- tenant: $1
SELECT code, number FROM batch_refusals WHERE tenant = $1 ORDER BY code;

-- name: delete_tenant_producers
-- tenant: $1
DELETE FROM producers WHERE tenant = $1;

-- name: delete_tenant_batch_refusals
-- tenant: $1
DELETE FROM batch_refusals WHERE tenant = $1;
