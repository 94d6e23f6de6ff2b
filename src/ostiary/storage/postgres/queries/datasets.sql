-- name: open_dataset_budget
-- tenant: $1
INSERT INTO dataset_budgets (tenant, token, bytes, objects, expires_ns) VALUES ($1, $2, 0, 0, $3)
ON CONFLICT (tenant, token) DO UPDATE SET expires_ns = greatest(dataset_budgets.expires_ns, excluded.expires_ns);

-- name: dataset_budget
-- tenant: $1
SELECT bytes, objects FROM dataset_budgets WHERE tenant = $1 AND token = $2;

-- name: dataset_budget_object
-- tenant: $1
SELECT 1 FROM dataset_budget_objects WHERE tenant = $1 AND token = $2 AND object = $3;

-- name: save_dataset_budget_object
-- tenant: $1
INSERT INTO dataset_budget_objects (tenant, token, object) VALUES ($1, $2, $3);

-- name: spend_dataset_budget
-- tenant: $3
UPDATE dataset_budgets SET bytes = bytes + $1, objects = objects + $2 WHERE tenant = $3 AND token = $4;

-- name: give_back_dataset_bytes
-- tenant: $2
UPDATE dataset_budgets SET bytes = greatest(bytes - $1, 0) WHERE tenant = $2 AND token = $3;

-- name: forget_dataset_budgets
-- tenant: all
DELETE FROM dataset_budgets WHERE expires_ns <= $1;

-- name: delete_tenant_dataset_budgets
-- tenant: $1
DELETE FROM dataset_budgets WHERE tenant = $1;
