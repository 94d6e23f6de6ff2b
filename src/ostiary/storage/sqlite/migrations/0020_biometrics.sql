-- What is kept of how somebody types and moves: ciphertexts. An owner is a keyed hash; the keys lie elsewhere.
CREATE TABLE biometrics (
  tenant TEXT NOT NULL,
  owner TEXT NOT NULL,
  part TEXT NOT NULL,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  updated_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, owner, part)
) STRICT;
