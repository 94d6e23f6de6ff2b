-- The registry of models. `body` is what a version or stage is; `record_id` names the log's record of its digest.
CREATE TABLE model_numbers (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  digest TEXT NOT NULL,
  revision INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (tenant, name, number),
  UNIQUE (tenant, name, digest)
) STRICT;

CREATE TABLE model_lives (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  stage TEXT NOT NULL,
  counter INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (tenant, name, stage)
) STRICT;

CREATE TABLE model_nonces (
  tenant TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, nonce)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_revoked (
  tenant TEXT NOT NULL,
  approval TEXT NOT NULL,
  at_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, approval)
) STRICT, WITHOUT ROWID;
