-- The decisions of the audit log as columns, for lists and charts (ADR-0060). All of it can be made anew from the log:
-- rows go with the payloads that they were made from, counts name nobody.
CREATE TABLE decision_index (
  tenant TEXT NOT NULL,
  idx INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  id TEXT NOT NULL,
  effect INTEGER NOT NULL,
  subject TEXT NOT NULL,
  subject_type TEXT NOT NULL,
  session TEXT NOT NULL,
  action TEXT NOT NULL,
  action_class TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  pep TEXT NOT NULL,
  rule TEXT NOT NULL,
  risk INTEGER,
  risk_band INTEGER,
  ip TEXT NOT NULL,
  kind TEXT NOT NULL,
  reasons TEXT NOT NULL,
  PRIMARY KEY (tenant, idx)
) STRICT, WITHOUT ROWID;

-- Each ends in the primary key, so what one finds is in the log's order already.
CREATE INDEX decision_index_by_effect ON decision_index (tenant, effect);
CREATE INDEX decision_index_by_subject ON decision_index (tenant, subject);
CREATE INDEX decision_index_by_session ON decision_index (tenant, session) WHERE session <> '';
CREATE INDEX decision_index_by_action ON decision_index (tenant, action);
CREATE INDEX decision_index_by_resource_type ON decision_index (tenant, resource_type);
CREATE INDEX decision_index_by_resource_id ON decision_index (tenant, resource_id);
CREATE INDEX decision_index_by_pep ON decision_index (tenant, pep);
CREATE INDEX decision_index_by_rule ON decision_index (tenant, rule) WHERE rule <> '';
CREATE INDEX decision_index_by_ip ON decision_index (tenant, ip) WHERE ip <> '';
CREATE INDEX decision_index_by_risk_band ON decision_index (tenant, risk_band) WHERE risk_band IS NOT NULL;

CREATE TABLE decision_hours (
  tenant TEXT NOT NULL,
  hour INTEGER NOT NULL,
  effect INTEGER NOT NULL,
  pep TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, hour, effect, pep)
) STRICT, WITHOUT ROWID;

-- Between which indexes an hour's decisions lie: a bound in time becomes a bound in the log.
CREATE TABLE decision_spans (
  tenant TEXT NOT NULL,
  hour INTEGER NOT NULL,
  first_idx INTEGER NOT NULL,
  last_idx INTEGER NOT NULL,
  PRIMARY KEY (tenant, hour)
) STRICT, WITHOUT ROWID;

-- How far the log has been followed: by tenant its decisions, under `system` the erasures of all.
CREATE TABLE decision_cursors (
  tenant TEXT PRIMARY KEY,
  next_idx INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
