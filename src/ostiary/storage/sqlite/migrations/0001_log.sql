-- The log itself: its head, records, tiles, tenants and wrapped keys.

CREATE TABLE log_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  checkpoint BLOB NOT NULL,
  cosigned BLOB NOT NULL,
  at_ns INTEGER NOT NULL,
  epoch INTEGER NOT NULL
) STRICT;

INSERT INTO log_head VALUES (1, '', 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', x'', x'', 0, 1);

CREATE TABLE records (
  idx INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  record_id TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  tag BLOB NOT NULL,
  entry BLOB NOT NULL,
  sealed BLOB
) STRICT;

CREATE INDEX records_by_id ON records (tenant, record_id);
CREATE INDEX records_by_subject ON records (tenant, tag);

-- id = level * 2^48 + index: a rowid table keeps 8 KiB values out of the B-tree's inner pages
CREATE TABLE tiles (
  id INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL
) STRICT;

CREATE TABLE subject_keys (
  tenant TEXT NOT NULL,
  tag BLOB NOT NULL,
  wrapped BLOB NOT NULL,
  PRIMARY KEY (tenant, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  salt BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  deleted_ns INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO tenants VALUES ('default', randomblob(32), 0, NULL), ('system', randomblob(32), 0, NULL);
