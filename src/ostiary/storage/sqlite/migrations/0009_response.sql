-- What responses keep: steps of plans, cases, awaited obligations, letters, blocked models (response/ports.py).
CREATE TABLE response_cards (
  tenant TEXT NOT NULL,
  drawer TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  data BLOB NOT NULL,
  topic TEXT NOT NULL,
  subject TEXT NOT NULL,
  due_ns INTEGER NOT NULL,
  made_ns INTEGER NOT NULL,
  number INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant, drawer, name)
) STRICT;

CREATE INDEX response_due ON response_cards (drawer, state, due_ns);

CREATE INDEX response_newest ON response_cards (tenant, drawer, made_ns);

CREATE INDEX response_topics ON response_cards (tenant, drawer, topic, state, number);

CREATE INDEX response_subjects ON response_cards (tenant, subject) WHERE subject <> '';

CREATE TABLE response_numbers (
  tenant TEXT NOT NULL,
  drawer TEXT NOT NULL,
  topic TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (tenant, drawer, topic)
) STRICT, WITHOUT ROWID;
