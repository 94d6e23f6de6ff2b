-- name: add_shadow_count
INSERT INTO shadow_counts (tenant, about, hour, what, controls, before, after, groups, resource_class, count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, about, hour, what, controls, before, after, groups, resource_class)
DO UPDATE SET count = count + excluded.count;

-- name: summed_shadow_counts
SELECT controls, before, after, groups, resource_class, sum(count), min(hour), max(hour)
FROM shadow_counts
WHERE tenant = ? AND about = ? AND what = ? AND hour >= ? AND hour < ?
GROUP BY controls, before, after, groups, resource_class
ORDER BY controls, before, after, groups, resource_class;

-- name: hourly_shadow_counts
SELECT hour, what, sum(count) FROM shadow_counts
WHERE tenant = ? AND about = ? AND hour >= ? AND hour < ?
GROUP BY hour, what;

-- name: forget_shadow_counts
DELETE FROM shadow_counts WHERE tenant = ? AND hour < ?;

-- name: delete_tenant_shadow_counts
DELETE FROM shadow_counts WHERE tenant = ?;
