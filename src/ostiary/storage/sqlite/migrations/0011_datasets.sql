-- What was read from datasets with each token, until the token ends.
CREATE TABLE dataset_budgets (
  tenant TEXT NOT NULL,
  token TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  objects INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, token)
) STRICT, WITHOUT ROWID;

CREATE INDEX dataset_budgets_by_end ON dataset_budgets (expires_ns);

CREATE TABLE dataset_budget_objects (
  tenant TEXT NOT NULL,
  token TEXT NOT NULL,
  object BLOB NOT NULL,
  PRIMARY KEY (tenant, token, object),
  FOREIGN KEY (tenant, token) REFERENCES dataset_budgets (tenant, token) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
