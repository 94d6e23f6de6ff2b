-- How often which answers came beside each other: one row a candidate, hour, and pair of effects (ADR-0044).
CREATE TABLE shadow_counts (
  tenant TEXT NOT NULL,
  about TEXT NOT NULL,
  hour INTEGER NOT NULL,
  what TEXT NOT NULL,
  controls TEXT NOT NULL,
  before INTEGER NOT NULL,
  after INTEGER NOT NULL,
  groups TEXT NOT NULL,
  resource_class TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, about, hour, what, controls, before, after, groups, resource_class)
) STRICT, WITHOUT ROWID;
