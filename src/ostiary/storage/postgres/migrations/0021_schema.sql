-- oldest: 21
-- All tables as SQLite has them after its own migration of this number: there, numbers 1 to 20 came one by one.
-- Text is compared by its bytes (COLLATE "C"), as SQLite does. `seq` stands for what SQLite calls a row's id.

-- The log itself: its head, records, tiles, tenants and wrapped keys.

CREATE TABLE log_head (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  origin TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  checkpoint BYTEA NOT NULL,
  cosigned BYTEA NOT NULL,
  at_ns BIGINT NOT NULL,
  epoch BIGINT NOT NULL
);

INSERT INTO log_head VALUES (1, '', 0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '', '', 0, 1);

CREATE TABLE records (
  idx BIGINT PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  record_id TEXT COLLATE "C" NOT NULL,
  time_ns BIGINT NOT NULL,
  tag BYTEA NOT NULL,
  entry BYTEA NOT NULL,
  sealed BYTEA
);

CREATE INDEX records_by_id ON records (tenant, record_id, idx);
CREATE INDEX records_by_subject ON records (tenant, tag, idx);

-- id = level * 2^48 + index
CREATE TABLE tiles (
  id BIGINT PRIMARY KEY,
  hashes BYTEA NOT NULL
);

CREATE TABLE subject_keys (
  tenant TEXT COLLATE "C" NOT NULL,
  tag BYTEA NOT NULL,
  wrapped BYTEA NOT NULL,
  PRIMARY KEY (tenant, tag)
);

CREATE TABLE tenants (
  tenant TEXT COLLATE "C" PRIMARY KEY,
  salt BYTEA NOT NULL,
  created_ns BIGINT NOT NULL,
  deleted_ns BIGINT
);

-- a random uuid holds 122 bits from the server's strong source, so a salt has all of its 256
INSERT INTO tenants
SELECT name, sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 0, NULL
FROM unnest(ARRAY['default', 'system']) AS fresh (name);

-- Decisions are nearly all records: an index over the others costs next to nothing and finds them at once.
CREATE INDEX records_by_kind ON records (tenant, kind, idx) WHERE kind <> 'decision';

-- Small tables of other rooms: enforcement points, ended sessions, snapshots by tenant, kind and key.

CREATE TABLE peps (
  pep_id TEXT COLLATE "C" PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  pep BYTEA NOT NULL,
  created_ns BIGINT NOT NULL
);

CREATE INDEX peps_by_tenant ON peps (tenant);

CREATE TABLE sessions (
  tenant TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  ended_ns BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL DEFAULT '',
  cause TEXT COLLATE "C" NOT NULL DEFAULT '',
  mark BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant, session_id)
);

CREATE TABLE snapshots (
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  data BYTEA NOT NULL,
  updated_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, kind, name)
);

-- Reading one tenant's records in order must not walk through everybody's.
CREATE INDEX records_by_tenant ON records (tenant, idx);

-- Profiles that no longer fit in memory. A version stays until a snapshot of the same epoch or a later one is safe.
CREATE TABLE profiles (
  tenant TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  epoch BIGINT NOT NULL,
  profile BYTEA NOT NULL,
  PRIMARY KEY (tenant, key, epoch)
);

CREATE INDEX profiles_by_epoch ON profiles (tenant, epoch);

-- Sessions that live, subjects whose earlier sessions are over, and what was proven in step-ups.
-- `mark` grows with every write, so that another process reads only what is new.

CREATE INDEX sessions_by_mark ON sessions (mark);

CREATE TABLE living_sessions (
  tenant TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  mark BIGINT NOT NULL,
  session BYTEA NOT NULL,
  PRIMARY KEY (tenant, session_id)
);
CREATE INDEX living_sessions_by_mark ON living_sessions (mark);

CREATE TABLE subject_revocations (
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  before_ns BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  cause TEXT COLLATE "C" NOT NULL,
  mark BIGINT NOT NULL,
  PRIMARY KEY (tenant, subject)
);

CREATE TABLE step_up_proofs (
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  expires_ns BIGINT NOT NULL,
  mark BIGINT NOT NULL,
  proof BYTEA NOT NULL,
  seq BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX step_up_proofs_by_end ON step_up_proofs (expires_ns);

CREATE TABLE session_mark (mark BIGINT NOT NULL);
INSERT INTO session_mark (mark) VALUES (1);

-- Passkeys for step-up, the links by which they come, and wishes to begin anew when all are lost.
CREATE TABLE authenticators (
  tenant TEXT COLLATE "C" NOT NULL,
  credential_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  sign_count BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  used_ns BIGINT NOT NULL,
  created_ns BIGINT NOT NULL,
  authenticator BYTEA NOT NULL,
  PRIMARY KEY (tenant, credential_id)
);

CREATE INDEX authenticators_by_subject ON authenticators (tenant, subject, created_ns);

-- Who has, or had, a passkey: taking the last one away must not make a first one possible again.
CREATE TABLE authenticator_holders (
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, subject)
);

CREATE TABLE invitations (
  token_hash TEXT COLLATE "C" PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  created_ns BIGINT NOT NULL,
  invitation BYTEA NOT NULL
);

CREATE INDEX invitations_by_subject ON invitations (tenant, subject, created_ns);

CREATE TABLE recoveries (
  tenant TEXT COLLATE "C" NOT NULL,
  recovery_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  created_ns BIGINT NOT NULL,
  recovery BYTEA NOT NULL,
  PRIMARY KEY (tenant, recovery_id)
);

CREATE INDEX recoveries_by_subject ON recoveries (tenant, subject, created_ns);

-- Enrolled devices and the one-time codes that let them in. A device is one JSON document; what is asked by stands beside it.
CREATE TABLE devices (
  tenant TEXT COLLATE "C" NOT NULL,
  device_id TEXT COLLATE "C" NOT NULL,
  thumbprint TEXT COLLATE "C" NOT NULL,
  ak_name BYTEA,
  version BIGINT NOT NULL,
  untold BIGINT NOT NULL,
  due_ns BIGINT NOT NULL,
  device BYTEA NOT NULL,
  PRIMARY KEY (tenant, device_id)
);

CREATE UNIQUE INDEX devices_by_key ON devices (tenant, thumbprint);
CREATE UNIQUE INDEX devices_by_ak ON devices (tenant, ak_name) WHERE ak_name IS NOT NULL;
CREATE INDEX devices_untold ON devices (untold) WHERE untold = 1;
CREATE INDEX devices_due ON devices (due_ns) WHERE due_ns > 0;

CREATE TABLE device_invitations (
  tenant TEXT COLLATE "C" NOT NULL,
  code_hash TEXT COLLATE "C" NOT NULL,
  expires_ns BIGINT NOT NULL,
  invitation BYTEA NOT NULL,
  PRIMARY KEY (tenant, code_hash)
);

-- Shared signals: streams, the subjects they name, what waits to be delivered, and what receivers have met.

CREATE TABLE ssf_streams (
  tenant TEXT COLLATE "C" NOT NULL,
  stream_id TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  stream BYTEA NOT NULL,
  made_ns BIGINT NOT NULL,
  heard_ns BIGINT NOT NULL DEFAULT 0,
  verified_ns BIGINT NOT NULL DEFAULT 0,
  dropped BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, stream_id)
);

CREATE TABLE ssf_subjects (
  tenant TEXT COLLATE "C" NOT NULL,
  stream_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, stream_id, subject)
);

CREATE TABLE ssf_outbox (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  stream_id TEXT COLLATE "C" NOT NULL,
  jti TEXT COLLATE "C" NOT NULL,
  token TEXT COLLATE "C" NOT NULL,
  made_ns BIGINT NOT NULL,
  always BIGINT NOT NULL
);

CREATE UNIQUE INDEX ssf_outbox_by_jti ON ssf_outbox (tenant, stream_id, jti);
CREATE INDEX ssf_outbox_by_stream ON ssf_outbox (tenant, stream_id, seq);

CREATE TABLE ssf_marks (
  tenant TEXT COLLATE "C" NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  digest BYTEA NOT NULL,
  expires_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, receiver, kind, digest)
);

CREATE INDEX ssf_marks_by_end ON ssf_marks (expires_ns);

-- What responses keep: steps of plans, cases, awaited obligations, letters, blocked models (response/ports.py).
CREATE TABLE response_cards (
  tenant TEXT COLLATE "C" NOT NULL,
  drawer TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  data BYTEA NOT NULL,
  topic TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  due_ns BIGINT NOT NULL,
  made_ns BIGINT NOT NULL,
  number BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (tenant, drawer, name)
);

CREATE INDEX response_due ON response_cards (drawer, state, due_ns);

CREATE INDEX response_newest ON response_cards (tenant, drawer, made_ns);

CREATE INDEX response_topics ON response_cards (tenant, drawer, topic, state, number);

CREATE INDEX response_subjects ON response_cards (tenant, subject) WHERE subject <> '';

CREATE TABLE response_numbers (
  tenant TEXT COLLATE "C" NOT NULL,
  drawer TEXT COLLATE "C" NOT NULL,
  topic TEXT COLLATE "C" NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (tenant, drawer, topic)
);

-- Tokens that are good for one request and have had it, until their end.
CREATE TABLE used_tokens (
  tenant TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL,
  expires_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, key)
);

CREATE INDEX used_tokens_by_end ON used_tokens (expires_ns);

-- What was read from datasets with each token, until the token ends.
CREATE TABLE dataset_budgets (
  tenant TEXT COLLATE "C" NOT NULL,
  token TEXT COLLATE "C" NOT NULL,
  bytes BIGINT NOT NULL,
  objects BIGINT NOT NULL,
  expires_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, token)
);

CREATE INDEX dataset_budgets_by_end ON dataset_budgets (expires_ns);

CREATE TABLE dataset_budget_objects (
  tenant TEXT COLLATE "C" NOT NULL,
  token TEXT COLLATE "C" NOT NULL,
  object BYTEA NOT NULL,
  PRIMARY KEY (tenant, token, object),
  FOREIGN KEY (tenant, token) REFERENCES dataset_budgets (tenant, token) ON DELETE CASCADE
);

-- The registry of models. `body` is what a version or stage is; `record_id` names the log's record of its digest.
CREATE TABLE model_numbers (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE model_versions (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  record_id TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (tenant, name, number),
  UNIQUE (tenant, name, digest)
);

CREATE TABLE model_lives (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  stage TEXT COLLATE "C" NOT NULL,
  counter BIGINT NOT NULL,
  record_id TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (tenant, name, stage)
);

CREATE TABLE model_nonces (
  tenant TEXT COLLATE "C" NOT NULL,
  nonce TEXT COLLATE "C" NOT NULL,
  expires_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, nonce)
);

CREATE TABLE model_revoked (
  tenant TEXT COLLATE "C" NOT NULL,
  approval TEXT COLLATE "C" NOT NULL,
  at_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, approval)
);

-- Online values of feature sets: the newest of each key and column.
CREATE TABLE online_features (
  tenant TEXT COLLATE "C" NOT NULL,
  feature_set TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  value BYTEA NOT NULL,
  event_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, feature_set, key, name)
);

-- What was taken of budgets for inference, by slots of each sliding window. A key is a digest: it names nobody.
CREATE TABLE inference_budgets (
  tenant TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  slot BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  PRIMARY KEY (tenant, key, slot)
);

-- Conversations: ciphertexts, opaque ids and times. An owner is a keyed hash; the keys lie elsewhere.
CREATE TABLE conversation_owners (
  tenant TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  epoch BIGINT NOT NULL,
  seals BIGINT NOT NULL,
  PRIMARY KEY (tenant, owner)
);

CREATE TABLE conversations (
  tenant TEXT COLLATE "C" NOT NULL,
  conversation TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  oldest BIGINT NOT NULL,
  head BYTEA NOT NULL,
  created_ns BIGINT NOT NULL,
  updated_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, conversation)
);
CREATE INDEX conversations_by_owner ON conversations (tenant, owner, conversation, oldest);

CREATE TABLE conversation_messages (
  tenant TEXT COLLATE "C" NOT NULL,
  conversation TEXT COLLATE "C" NOT NULL,
  idx BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  previous BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant, conversation, idx)
);

-- What was shredded; its keys must not live. `conversation` is empty where it is all of an owner below `floor`.
CREATE TABLE conversation_graves (
  tenant TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  conversation TEXT COLLATE "C" NOT NULL,
  floor BIGINT NOT NULL,
  dug_ns BIGINT NOT NULL,
  closed BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, owner, conversation, floor)
);

-- Indexes for retrieval. A rule's number never means another rule; a document is under one number at a time.
CREATE TABLE rag_indexes (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  embedder TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  next_acl BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE rag_sources (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  state BYTEA NOT NULL,
  PRIMARY KEY (tenant, name, source)
);

CREATE TABLE rag_acls (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  acl BIGINT NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  rule BYTEA NOT NULL,
  PRIMARY KEY (tenant, name, acl)
);
CREATE UNIQUE INDEX rag_acls_by_digest ON rag_acls (tenant, name, source, digest);

CREATE TABLE rag_documents (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  revision TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  acl BIGINT NOT NULL,
  title TEXT COLLATE "C" NOT NULL,
  facts BYTEA NOT NULL,
  PRIMARY KEY (tenant, name, source, document)
);

CREATE TABLE rag_chunks (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  chunk TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL,
  vector BYTEA NOT NULL,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (tenant, name, chunk)
);
CREATE INDEX rag_chunks_by_document ON rag_chunks (tenant, name, source, document, seq);

CREATE TABLE rag_verdicts (
  tenant TEXT COLLATE "C" NOT NULL,
  inspector TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  verdict TEXT COLLATE "C" NOT NULL,
  score DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (tenant, inspector, digest)
);

-- Which record of the log holds which act of a proposal, or of a tenant's law; the log alone says what it was.
CREATE TABLE approval_acts (
  tenant TEXT COLLATE "C" NOT NULL,
  topic TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  record_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, topic, seq)
);

-- How often which answers came beside each other: one row a candidate, hour, and pair of effects (ADR-0044).
CREATE TABLE shadow_counts (
  tenant TEXT COLLATE "C" NOT NULL,
  about TEXT COLLATE "C" NOT NULL,
  hour BIGINT NOT NULL,
  what TEXT COLLATE "C" NOT NULL,
  controls TEXT COLLATE "C" NOT NULL,
  before BIGINT NOT NULL,
  after BIGINT NOT NULL,
  groups TEXT COLLATE "C" NOT NULL,
  resource_class TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (tenant, about, hour, what, controls, before, after, groups, resource_class)
);

-- Registered producers of events. Neither a name nor a key is ever given twice in a tenant, so rows are never deleted
-- but with their tenant. A chain's head moves only from where it was seen.
CREATE TABLE producers (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  public_key BYTEA NOT NULL,
  thumbprint TEXT COLLATE "C" NOT NULL,
  added_ns BIGINT NOT NULL,
  revoked_ns BIGINT NOT NULL DEFAULT 0,
  distrusted_ns BIGINT,
  sequence BIGINT NOT NULL DEFAULT 0,
  head TEXT COLLATE "C" NOT NULL DEFAULT '',
  head_ns BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX producers_by_key ON producers (tenant, public_key);

CREATE TABLE batch_refusals (
  tenant TEXT COLLATE "C" NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (tenant, code)
);

-- What is kept of how somebody types and moves: ciphertexts. An owner is a keyed hash; the keys lie elsewhere.
CREATE TABLE biometrics (
  tenant TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  part TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  updated_ns BIGINT NOT NULL,
  PRIMARY KEY (tenant, owner, part)
);

-- The decisions of the audit log as columns, for lists and charts (ADR-0060). All of it can be made anew from the log:
-- rows go with the payloads that they were made from, counts name nobody.
CREATE TABLE decision_index (
  tenant TEXT COLLATE "C" NOT NULL,
  idx BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  effect BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  subject_type TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  action_class TEXT COLLATE "C" NOT NULL,
  resource_type TEXT COLLATE "C" NOT NULL,
  resource_id TEXT COLLATE "C" NOT NULL,
  pep TEXT COLLATE "C" NOT NULL,
  rule TEXT COLLATE "C" NOT NULL,
  risk BIGINT,
  risk_band BIGINT,
  ip TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  reasons TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, idx)
);

-- Each ends in the log's order, so what one finds is sorted already.
CREATE INDEX decision_index_by_effect ON decision_index (tenant, effect, idx);
CREATE INDEX decision_index_by_subject ON decision_index (tenant, subject, idx);
CREATE INDEX decision_index_by_session ON decision_index (tenant, session, idx) WHERE session <> '';
CREATE INDEX decision_index_by_action ON decision_index (tenant, action, idx);
CREATE INDEX decision_index_by_resource_type ON decision_index (tenant, resource_type, idx);
CREATE INDEX decision_index_by_resource_id ON decision_index (tenant, resource_id, idx);
CREATE INDEX decision_index_by_pep ON decision_index (tenant, pep, idx);
CREATE INDEX decision_index_by_rule ON decision_index (tenant, rule, idx) WHERE rule <> '';
CREATE INDEX decision_index_by_ip ON decision_index (tenant, ip, idx) WHERE ip <> '';
CREATE INDEX decision_index_by_risk_band ON decision_index (tenant, risk_band, idx) WHERE risk_band IS NOT NULL;

CREATE TABLE decision_hours (
  tenant TEXT COLLATE "C" NOT NULL,
  hour BIGINT NOT NULL,
  effect BIGINT NOT NULL,
  pep TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (tenant, hour, effect, pep)
);

-- Between which indexes an hour's decisions lie: a bound in time becomes a bound in the log.
CREATE TABLE decision_spans (
  tenant TEXT COLLATE "C" NOT NULL,
  hour BIGINT NOT NULL,
  first_idx BIGINT NOT NULL,
  last_idx BIGINT NOT NULL,
  PRIMARY KEY (tenant, hour)
);

-- How far the log has been followed: by tenant its decisions, under `system` the erasures of all.
CREATE TABLE decision_cursors (
  tenant TEXT COLLATE "C" PRIMARY KEY,
  next_idx BIGINT NOT NULL
);
