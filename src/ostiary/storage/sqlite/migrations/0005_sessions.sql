-- Sessions that live, subjects whose earlier sessions are over, and what was proven in step-ups.
-- `mark` grows with every write, so that another process reads only what is new.

ALTER TABLE sessions ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN mark INTEGER NOT NULL DEFAULT 1;
CREATE INDEX sessions_by_mark ON sessions (mark);

CREATE TABLE living_sessions (
  tenant TEXT NOT NULL,
  session_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  mark INTEGER NOT NULL,
  session BLOB NOT NULL,
  PRIMARY KEY (tenant, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX living_sessions_by_mark ON living_sessions (mark);

CREATE TABLE subject_revocations (
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  before_ns INTEGER NOT NULL,
  reason TEXT NOT NULL,
  cause TEXT NOT NULL,
  mark INTEGER NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE step_up_proofs (
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  expires_ns INTEGER NOT NULL,
  mark INTEGER NOT NULL,
  proof BLOB NOT NULL
) STRICT;
CREATE INDEX step_up_proofs_by_end ON step_up_proofs (expires_ns);

CREATE TABLE session_mark (mark INTEGER NOT NULL) STRICT;
INSERT INTO session_mark (mark) VALUES (1);
