-- name: add_shadow_count
-- tenant: $1
INSERT INTO shadow_counts (tenant, about, hour, what, controls, before, after, groups, resource_class, count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant, about, hour, what, controls, before, after, groups, resource_class)
DO UPDATE SET count = shadow_counts.count + excluded.count;

-- name: summed_shadow_counts
-- tenant: $1
SELECT controls, before, after, groups, resource_class, sum(count)::bigint, min(hour), max(hour)
FROM shadow_counts
WHERE tenant = $1 AND about = $2 AND what = $3 AND hour >= $4 AND hour < $5
GROUP BY controls, before, after, groups, resource_class
ORDER BY controls, before, after, groups, resource_class;

-- name: hourly_shadow_counts
-- tenant: $1
SELECT hour, what, sum(count)::bigint FROM shadow_counts
WHERE tenant = $1 AND about = $2 AND hour >= $3 AND hour < $4
GROUP BY hour, what;

-- name: forget_shadow_counts
-- tenant: $1
DELETE FROM shadow_counts WHERE tenant = $1 AND hour < $2;

-- name: delete_tenant_shadow_counts
-- tenant: $1
DELETE FROM shadow_counts WHERE tenant = $1;
