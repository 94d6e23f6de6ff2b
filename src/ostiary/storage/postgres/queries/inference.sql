-- name: forget_budget_slots
-- tenant: $1
DELETE FROM inference_budgets WHERE tenant = $1 AND key = $2 AND slot < $3;

-- name: give_back_budget
-- tenant: $2
UPDATE inference_budgets SET taken = greatest(0, taken - $1) WHERE tenant = $2 AND key = $3 AND slot = $4;

-- name: budget_taken
-- tenant: $1
SELECT coalesce(sum(taken), 0)::bigint FROM inference_budgets WHERE tenant = $1 AND key = $2 AND slot >= $3;

-- name: take_budget
-- tenant: $1
INSERT INTO inference_budgets (tenant, key, slot, taken) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, key, slot) DO UPDATE SET taken = inference_budgets.taken + excluded.taken;

-- name: delete_tenant_budgets
-- tenant: $1
DELETE FROM inference_budgets WHERE tenant = $1;
