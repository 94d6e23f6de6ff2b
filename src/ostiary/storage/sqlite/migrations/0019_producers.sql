-- Registered producers of events. Neither a name nor a key is ever given twice in a tenant, so rows are never deleted
-- but with their tenant. A chain's head moves only from where it was seen.
CREATE TABLE producers (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  public_key BLOB NOT NULL,
  thumbprint TEXT NOT NULL,
  added_ns INTEGER NOT NULL,
  revoked_ns INTEGER NOT NULL DEFAULT 0,
  distrusted_ns INTEGER,
  sequence INTEGER NOT NULL DEFAULT 0,
  head TEXT NOT NULL DEFAULT '',
  head_ns INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX producers_by_key ON producers (tenant, public_key);

CREATE TABLE batch_refusals (
  tenant TEXT NOT NULL,
  code TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (tenant, code)
) STRICT, WITHOUT ROWID;
