-- What was taken of budgets for inference, by slots of each sliding window. A key is a digest: it names nobody.
CREATE TABLE inference_budgets (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  slot INTEGER NOT NULL,
  taken INTEGER NOT NULL,
  PRIMARY KEY (tenant, key, slot)
) STRICT, WITHOUT ROWID;
