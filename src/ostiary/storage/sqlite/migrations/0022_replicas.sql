-- Several replicas over one store (ADR-0070): who holds which lease, and records on their way into the log.

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  token INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  arrived INTEGER PRIMARY KEY AUTOINCREMENT,
  replica TEXT NOT NULL,
  seq INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  record_id TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  tag BLOB NOT NULL,
  commitment TEXT NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (replica, seq)
) STRICT;

-- How far each replica's numbers were taken out of the inbox.
CREATE TABLE inbox_taken (
  replica TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
