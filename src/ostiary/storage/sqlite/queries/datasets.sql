-- name: open_dataset_budget
INSERT INTO dataset_budgets (tenant, token, bytes, objects, expires_ns) VALUES (?, ?, 0, 0, ?)
ON CONFLICT (tenant, token) DO UPDATE SET expires_ns = max(expires_ns, excluded.expires_ns);

-- name: dataset_budget
SELECT bytes, objects FROM dataset_budgets WHERE tenant = ? AND token = ?;

-- name: dataset_budget_object
SELECT 1 FROM dataset_budget_objects WHERE tenant = ? AND token = ? AND object = ?;

-- name: save_dataset_budget_object
INSERT INTO dataset_budget_objects (tenant, token, object) VALUES (?, ?, ?);

-- name: spend_dataset_budget
UPDATE dataset_budgets SET bytes = bytes + ?, objects = objects + ? WHERE tenant = ? AND token = ?;

-- name: give_back_dataset_bytes
UPDATE dataset_budgets SET bytes = max(bytes - ?, 0) WHERE tenant = ? AND token = ?;

-- name: forget_dataset_budgets
DELETE FROM dataset_budgets WHERE expires_ns <= ?;

-- name: delete_tenant_dataset_budgets
DELETE FROM dataset_budgets WHERE tenant = ?;
