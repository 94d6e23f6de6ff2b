-- name: rag_index
SELECT embedder, generation, next_acl FROM rag_indexes WHERE tenant = ? AND name = ?;

-- name: rag_open_index
INSERT INTO rag_indexes (tenant, name, embedder, generation, next_acl) VALUES (?, ?, '', 0, 1)
ON CONFLICT (tenant, name) DO NOTHING;

-- name: rag_raise_generation
UPDATE rag_indexes SET generation = generation + 1 WHERE tenant = ? AND name = ?;

-- name: rag_bind_embedder
UPDATE rag_indexes SET embedder = ? WHERE tenant = ? AND name = ?;

-- name: rag_next_acl
UPDATE rag_indexes SET next_acl = ? WHERE tenant = ? AND name = ?;

-- name: rag_known
SELECT d.document, d.revision, a.digest
FROM rag_documents AS d
JOIN rag_acls AS a ON a.tenant = d.tenant AND a.name = d.name AND a.acl = d.acl
WHERE d.tenant = ? AND d.name = ? AND d.source = ?;

-- name: rag_acl_numbers
SELECT a.digest, a.acl FROM json_each(:digests) AS w
JOIN rag_acls AS a ON a.tenant = :tenant AND a.name = :name AND a.source = :source AND a.digest = w.value;

-- name: rag_add_acl
INSERT INTO rag_acls (tenant, name, acl, source, digest, rule) VALUES (?, ?, ?, ?, ?, ?);

-- name: rag_acls_after
SELECT acl, source, rule FROM rag_acls WHERE tenant = ? AND name = ? AND acl > ? ORDER BY acl;

-- name: rag_move_document
UPDATE rag_documents SET acl = ? WHERE tenant = ? AND name = ? AND source = ? AND document = ?;

-- name: rag_put_document
INSERT INTO rag_documents (tenant, name, source, document, revision, digest, acl, title, facts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, name, source, document) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
  acl = excluded.acl, title = excluded.title, facts = excluded.facts;

-- name: rag_put_chunk
INSERT INTO rag_chunks (tenant, name, chunk, source, document, body, vector) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: rag_delete_document
DELETE FROM rag_documents WHERE tenant = ? AND name = ? AND source = ? AND document = ?;

-- name: rag_delete_chunks
DELETE FROM rag_chunks WHERE tenant = ? AND name = ? AND source = ? AND document = ?;

-- name: rag_chunks
SELECT c.body FROM json_each(:chunks) AS w
JOIN rag_chunks AS c ON c.tenant = :tenant AND c.name = :name AND c.chunk = w.value;

-- name: rag_rows
SELECT c.chunk, c.document, d.acl, d.facts, c.vector
FROM rag_chunks AS c
JOIN rag_documents AS d ON d.tenant = c.tenant AND d.name = c.name AND d.source = c.source AND d.document = c.document
WHERE c.tenant = ? AND c.name = ?
ORDER BY c.source, c.document, c.rowid;

-- name: rag_states
SELECT source, state FROM rag_sources WHERE tenant = ? AND name = ?;

-- name: rag_note_state
INSERT INTO rag_sources (tenant, name, source, state) VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, name, source) DO UPDATE SET state = excluded.state;

-- name: rag_counts
SELECT (SELECT count(*) FROM rag_documents WHERE tenant = :tenant AND name = :name),
  (SELECT count(*) FROM rag_chunks WHERE tenant = :tenant AND name = :name),
  (SELECT count(*) FROM rag_acls WHERE tenant = :tenant AND name = :name);

-- name: rag_verdicts
SELECT v.digest, v.verdict, v.score FROM json_each(:digests) AS w
JOIN rag_verdicts AS v ON v.tenant = :tenant AND v.inspector = :inspector AND v.digest = w.value;

-- name: rag_keep_verdict
INSERT INTO rag_verdicts (tenant, inspector, digest, verdict, score) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, inspector, digest) DO NOTHING;

-- name: rag_forget_chunks
DELETE FROM rag_chunks WHERE tenant = ? AND name = ?;

-- name: rag_forget_documents
DELETE FROM rag_documents WHERE tenant = ? AND name = ?;

-- name: rag_forget_acls
DELETE FROM rag_acls WHERE tenant = ? AND name = ?;

-- name: rag_forget_sources
DELETE FROM rag_sources WHERE tenant = ? AND name = ?;

-- name: rag_forget_index
UPDATE rag_indexes SET embedder = '', generation = generation + 1 WHERE tenant = ? AND name = ?;

-- name: delete_tenant_rag_chunks
DELETE FROM rag_chunks WHERE tenant = ?;

-- name: delete_tenant_rag_documents
DELETE FROM rag_documents WHERE tenant = ?;

-- name: delete_tenant_rag_acls
DELETE FROM rag_acls WHERE tenant = ?;

-- name: delete_tenant_rag_sources
DELETE FROM rag_sources WHERE tenant = ?;

-- name: delete_tenant_rag_indexes
DELETE FROM rag_indexes WHERE tenant = ?;

-- name: delete_tenant_rag_verdicts
DELETE FROM rag_verdicts WHERE tenant = ?;
