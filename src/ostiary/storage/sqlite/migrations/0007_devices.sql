-- Enrolled devices and the one-time codes that let them in. A device is one JSON document; what is asked by stands beside it.
CREATE TABLE devices (
  tenant TEXT NOT NULL,
  device_id TEXT NOT NULL,
  thumbprint TEXT NOT NULL,
  ak_name BLOB,
  version INTEGER NOT NULL,
  untold INTEGER NOT NULL,
  due_ns INTEGER NOT NULL,
  device BLOB NOT NULL,
  PRIMARY KEY (tenant, device_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX devices_by_key ON devices (tenant, thumbprint);
CREATE UNIQUE INDEX devices_by_ak ON devices (tenant, ak_name) WHERE ak_name IS NOT NULL;
CREATE INDEX devices_untold ON devices (untold) WHERE untold = 1;
CREATE INDEX devices_due ON devices (due_ns) WHERE due_ns > 0;

CREATE TABLE device_invitations (
  tenant TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  expires_ns INTEGER NOT NULL,
  invitation BLOB NOT NULL,
  PRIMARY KEY (tenant, code_hash)
) STRICT, WITHOUT ROWID;
