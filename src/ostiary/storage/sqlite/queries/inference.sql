-- name: forget_budget_slots
DELETE FROM inference_budgets WHERE tenant = ? AND key = ? AND slot < ?;

-- name: give_back_budget
UPDATE inference_budgets SET taken = max(0, taken - ?) WHERE tenant = ? AND key = ? AND slot = ?;

-- name: budget_taken
SELECT coalesce(sum(taken), 0) FROM inference_budgets WHERE tenant = ? AND key = ? AND slot >= ?;

-- name: take_budget
INSERT INTO inference_budgets (tenant, key, slot, taken) VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, key, slot) DO UPDATE SET taken = taken + excluded.taken;

-- name: delete_tenant_budgets
DELETE FROM inference_budgets WHERE tenant = ?;
