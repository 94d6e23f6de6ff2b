-- name: find_producer
SELECT tenant, name, public_key, thumbprint, added_ns, revoked_ns, distrusted_ns, sequence, head, head_ns
FROM producers WHERE tenant = ? AND name = ?;

-- name: tenant_producers
SELECT tenant, name, public_key, thumbprint, added_ns, revoked_ns, distrusted_ns, sequence, head, head_ns
FROM producers WHERE tenant = ? ORDER BY name;

-- name: add_producer
INSERT OR IGNORE INTO producers (tenant, name, public_key, thumbprint, added_ns) VALUES (?, ?, ?, ?, ?);

-- name: revoke_producer
UPDATE producers
SET revoked_ns = CASE revoked_ns WHEN 0 THEN ?1 ELSE revoked_ns END,
  distrusted_ns = CASE
    WHEN ?2 IS NULL THEN distrusted_ns
    WHEN distrusted_ns IS NULL THEN ?2
    ELSE min(distrusted_ns, ?2)
  END
WHERE tenant = ?3 AND name = ?4;

-- name: advance_producer
UPDATE producers SET sequence = ?1, head = ?2, head_ns = ?3
WHERE tenant = ?4 AND name = ?5 AND sequence = ?6 AND head = ?7 AND revoked_ns = 0;

-- name: count_batch_refusal
INSERT INTO batch_refusals (tenant, code, number) VALUES (?, ?, 1)
ON CONFLICT (tenant, code) DO UPDATE SET number = number + 1;

-- name: batch_refusals
SELECT code, number FROM batch_refusals WHERE tenant = ? ORDER BY code;

-- name: delete_tenant_producers
DELETE FROM producers WHERE tenant = ?;

-- name: delete_tenant_batch_refusals
DELETE FROM batch_refusals WHERE tenant = ?;
