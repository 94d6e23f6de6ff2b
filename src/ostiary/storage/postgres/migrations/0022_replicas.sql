-- oldest: 21
-- Several replicas over one store (ADR-0070): who holds which lease, and records on their way into the log.

CREATE TABLE leases (
  name TEXT COLLATE "C" PRIMARY KEY,
  holder TEXT COLLATE "C" NOT NULL,
  token BIGINT NOT NULL,
  until_ms BIGINT NOT NULL
);

CREATE TABLE inbox (
  arrived BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  replica TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  record_id TEXT COLLATE "C" NOT NULL,
  time_ns BIGINT NOT NULL,
  tag BYTEA NOT NULL,
  commitment TEXT COLLATE "C" NOT NULL,
  sealed BYTEA NOT NULL,
  UNIQUE (replica, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- How far each replica's numbers were taken out of the inbox.
CREATE TABLE inbox_taken (
  replica TEXT COLLATE "C" PRIMARY KEY,
  seq BIGINT NOT NULL,
  at_ms BIGINT NOT NULL
);
