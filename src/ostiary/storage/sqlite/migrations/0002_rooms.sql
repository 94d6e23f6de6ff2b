-- Decisions are nearly all records: an index over the others costs next to nothing and finds them at once.
CREATE INDEX records_by_kind ON records (tenant, kind) WHERE kind <> 'decision';

-- Small tables of other rooms: enforcement points, ended sessions, snapshots by tenant, kind and key.

CREATE TABLE peps (
  pep_id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  pep BLOB NOT NULL,
  created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX peps_by_tenant ON peps (tenant);

CREATE TABLE sessions (
  tenant TEXT NOT NULL,
  session_id TEXT NOT NULL,
  ended_ns INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (tenant, session_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  data BLOB NOT NULL,
  updated_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, name)
) STRICT;
