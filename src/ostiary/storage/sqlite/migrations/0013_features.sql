-- Online values of feature sets: the newest of each key and column.
CREATE TABLE online_features (
  tenant TEXT NOT NULL,
  feature_set TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  event_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, feature_set, key, name)
) STRICT, WITHOUT ROWID;
