-- Conversations: ciphertexts, opaque ids and times. An owner is a keyed hash; the keys lie elsewhere.
CREATE TABLE conversation_owners (
  tenant TEXT NOT NULL,
  owner TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  seals INTEGER NOT NULL,
  PRIMARY KEY (tenant, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
  tenant TEXT NOT NULL,
  conversation TEXT NOT NULL,
  owner TEXT NOT NULL,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  oldest INTEGER NOT NULL,
  head BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL,
  PRIMARY KEY (tenant, conversation)
) STRICT;
CREATE INDEX conversations_by_owner ON conversations (tenant, owner, conversation, oldest);

CREATE TABLE conversation_messages (
  tenant TEXT NOT NULL,
  conversation TEXT NOT NULL,
  idx INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  previous BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant, conversation, idx)
) STRICT;

-- What was shredded; its keys must not live. `conversation` is empty where it is all of an owner below `floor`.
CREATE TABLE conversation_graves (
  tenant TEXT NOT NULL,
  owner TEXT NOT NULL,
  conversation TEXT NOT NULL,
  floor INTEGER NOT NULL,
  dug_ns INTEGER NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, owner, conversation, floor)
) STRICT, WITHOUT ROWID;
