-- Tokens that are good for one request and have had it, until their end.
CREATE TABLE used_tokens (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  expires_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX used_tokens_by_end ON used_tokens (expires_ns);
