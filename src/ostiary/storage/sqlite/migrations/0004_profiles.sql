-- Profiles that no longer fit in memory. A version stays until a snapshot of the same epoch or a later one is safe.
CREATE TABLE profiles (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  profile BLOB NOT NULL,
  PRIMARY KEY (tenant, key, epoch)
) STRICT;

CREATE INDEX profiles_by_epoch ON profiles (tenant, epoch);
