-- Passkeys for step-up, the links by which they come, and wishes to begin anew when all are lost.
CREATE TABLE authenticators (
  tenant TEXT NOT NULL,
  credential_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  sign_count INTEGER NOT NULL,
  name TEXT NOT NULL,
  used_ns INTEGER NOT NULL,
  created_ns INTEGER NOT NULL,
  authenticator BLOB NOT NULL,
  PRIMARY KEY (tenant, credential_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX authenticators_by_subject ON authenticators (tenant, subject, created_ns);

-- Who has, or had, a passkey: taking the last one away must not make a first one possible again.
CREATE TABLE authenticator_holders (
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
  token_hash TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  invitation BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_subject ON invitations (tenant, subject, created_ns);

CREATE TABLE recoveries (
  tenant TEXT NOT NULL,
  recovery_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  recovery BLOB NOT NULL,
  PRIMARY KEY (tenant, recovery_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX recoveries_by_subject ON recoveries (tenant, subject, created_ns);
