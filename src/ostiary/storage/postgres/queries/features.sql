-- name: online_features
-- tenant: :tenant
SELECT f.key, f.name, f.value, f.event_ns
FROM unnest(:keys::text[]) AS k (value)
CROSS JOIN unnest(:names::text[]) AS n (value)
JOIN online_features AS f
  ON f.tenant = :tenant AND f.feature_set = :feature_set AND f.key = k.value AND f.name = n.value;

-- name: put_online_feature
-- tenant: $1
INSERT INTO online_features (tenant, feature_set, key, name, value, event_ns) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, feature_set, key, name) DO UPDATE SET value = excluded.value, event_ns = excluded.event_ns
WHERE excluded.event_ns >= online_features.event_ns;

-- name: delete_online_features
-- tenant: $1
DELETE FROM online_features WHERE tenant = $1 AND feature_set = $2;

-- name: delete_tenant_online_features
-- tenant: $1
DELETE FROM online_features WHERE tenant = $1;
