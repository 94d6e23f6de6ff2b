-- Shared signals: streams, the subjects they name, what waits to be delivered, and what receivers have met.

CREATE TABLE ssf_streams (
  tenant TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  stream BLOB NOT NULL,
  made_ns INTEGER NOT NULL,
  heard_ns INTEGER NOT NULL DEFAULT 0,
  verified_ns INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, stream_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ssf_subjects (
  tenant TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (tenant, stream_id, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE ssf_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  jti TEXT NOT NULL,
  token TEXT NOT NULL,
  made_ns INTEGER NOT NULL,
  always INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX ssf_outbox_by_jti ON ssf_outbox (tenant, stream_id, jti);
CREATE INDEX ssf_outbox_by_stream ON ssf_outbox (tenant, stream_id, seq);

CREATE TABLE ssf_marks (
  tenant TEXT NOT NULL,
  receiver TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest BLOB NOT NULL,
  expires_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, receiver, kind, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX ssf_marks_by_end ON ssf_marks (expires_ns);
