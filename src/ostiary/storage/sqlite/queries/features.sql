-- name: online_features
SELECT f.key, f.name, f.value, f.event_ns
FROM json_each(:keys) AS k
CROSS JOIN json_each(:names) AS n
JOIN online_features AS f
  ON f.tenant = :tenant AND f.feature_set = :feature_set AND f.key = k.value AND f.name = n.value;

-- name: put_online_feature
INSERT INTO online_features (tenant, feature_set, key, name, value, event_ns) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, feature_set, key, name) DO UPDATE SET value = excluded.value, event_ns = excluded.event_ns
WHERE excluded.event_ns >= event_ns;

-- name: delete_online_features
DELETE FROM online_features WHERE tenant = ? AND feature_set = ?;

-- name: delete_tenant_online_features
DELETE FROM online_features WHERE tenant = ?;
