-- Indexes for retrieval. A rule's number never means another rule; a document is under one number at a time.
CREATE TABLE rag_indexes (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  embedder TEXT NOT NULL,
  generation INTEGER NOT NULL,
  next_acl INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE rag_sources (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (tenant, name, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE rag_acls (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  acl INTEGER NOT NULL,
  source TEXT NOT NULL,
  digest TEXT NOT NULL,
  rule BLOB NOT NULL,
  PRIMARY KEY (tenant, name, acl)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX rag_acls_by_digest ON rag_acls (tenant, name, source, digest);

CREATE TABLE rag_documents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  document TEXT NOT NULL,
  revision TEXT NOT NULL,
  digest TEXT NOT NULL,
  acl INTEGER NOT NULL,
  title TEXT NOT NULL,
  facts BLOB NOT NULL,
  PRIMARY KEY (tenant, name, source, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE rag_chunks (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  chunk TEXT NOT NULL,
  source TEXT NOT NULL,
  document TEXT NOT NULL,
  body BLOB NOT NULL,
  vector BLOB NOT NULL,
  PRIMARY KEY (tenant, name, chunk)
) STRICT;
CREATE INDEX rag_chunks_by_document ON rag_chunks (tenant, name, source, document);

CREATE TABLE rag_verdicts (
  tenant TEXT NOT NULL,
  inspector TEXT NOT NULL,
  digest TEXT NOT NULL,
  verdict TEXT NOT NULL,
  score REAL NOT NULL,
  PRIMARY KEY (tenant, inspector, digest)
) STRICT, WITHOUT ROWID;
