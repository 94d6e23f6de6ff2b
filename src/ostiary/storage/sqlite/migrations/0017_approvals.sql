-- Which record of the log holds which act of a proposal, or of a tenant's law; the log alone says what it was.
CREATE TABLE approval_acts (
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL,
  seq INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  PRIMARY KEY (tenant, topic, seq)
) STRICT, WITHOUT ROWID;
