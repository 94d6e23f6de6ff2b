-- name: rag_index
-- tenant: $1
SELECT embedder, generation, next_acl FROM rag_indexes WHERE tenant = $1 AND name = $2;

-- name: rag_open_index
-- tenant: $1
INSERT INTO rag_indexes (tenant, name, embedder, generation, next_acl) VALUES ($1, $2, '', 0, 1)
ON CONFLICT (tenant, name) DO NOTHING;

-- name: rag_raise_generation
-- tenant: $1
UPDATE rag_indexes SET generation = generation + 1 WHERE tenant = $1 AND name = $2;

-- name: rag_bind_embedder
-- tenant: $2
UPDATE rag_indexes SET embedder = $1 WHERE tenant = $2 AND name = $3;

-- name: rag_next_acl
-- tenant: $2
UPDATE rag_indexes SET next_acl = $1 WHERE tenant = $2 AND name = $3;

-- name: rag_known
-- tenant: $1
SELECT d.document, d.revision, a.digest
FROM rag_documents AS d
JOIN rag_acls AS a ON a.tenant = d.tenant AND a.name = d.name AND a.acl = d.acl
WHERE d.tenant = $1 AND d.name = $2 AND d.source = $3;

-- name: rag_acl_numbers
-- tenant: :tenant
SELECT a.digest, a.acl FROM unnest(:digests::text[]) AS w (value)
JOIN rag_acls AS a ON a.tenant = :tenant AND a.name = :name AND a.source = :source AND a.digest = w.value;

-- name: rag_add_acl
-- tenant: $1
INSERT INTO rag_acls (tenant, name, acl, source, digest, rule) VALUES ($1, $2, $3, $4, $5, $6);

-- name: rag_acls_after
-- tenant: $1
SELECT acl, source, rule FROM rag_acls WHERE tenant = $1 AND name = $2 AND acl > $3 ORDER BY acl;

-- name: rag_move_document
-- tenant: $2
UPDATE rag_documents SET acl = $1 WHERE tenant = $2 AND name = $3 AND source = $4 AND document = $5;

-- name: rag_put_document
-- tenant: $1
INSERT INTO rag_documents (tenant, name, source, document, revision, digest, acl, title, facts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant, name, source, document) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
  acl = excluded.acl, title = excluded.title, facts = excluded.facts;

-- name: rag_put_chunk
-- tenant: $1
INSERT INTO rag_chunks (tenant, name, chunk, source, document, body, vector) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: rag_delete_document
-- tenant: $1
DELETE FROM rag_documents WHERE tenant = $1 AND name = $2 AND source = $3 AND document = $4;

-- name: rag_delete_chunks
-- tenant: $1
DELETE FROM rag_chunks WHERE tenant = $1 AND name = $2 AND source = $3 AND document = $4;

-- name: rag_chunks
-- tenant: :tenant
SELECT c.body FROM unnest(:chunks::text[]) AS w (value)
JOIN rag_chunks AS c ON c.tenant = :tenant AND c.name = :name AND c.chunk = w.value;

-- name: rag_rows
-- tenant: $1
SELECT c.chunk, c.document, d.acl, d.facts, c.vector
FROM rag_chunks AS c
JOIN rag_documents AS d ON d.tenant = c.tenant AND d.name = c.name AND d.source = c.source AND d.document = c.document
WHERE c.tenant = $1 AND c.name = $2
ORDER BY c.source, c.document, c.seq;

-- name: rag_states
-- tenant: $1
SELECT source, state FROM rag_sources WHERE tenant = $1 AND name = $2;

-- name: rag_note_state
-- tenant: $1
INSERT INTO rag_sources (tenant, name, source, state) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, name, source) DO UPDATE SET state = excluded.state;

-- name: rag_counts
-- tenant: :tenant
SELECT (SELECT count(*) FROM rag_documents WHERE tenant = :tenant AND name = :name),
  (SELECT count(*) FROM rag_chunks WHERE tenant = :tenant AND name = :name),
  (SELECT count(*) FROM rag_acls WHERE tenant = :tenant AND name = :name);

-- name: rag_verdicts
-- tenant: :tenant
SELECT v.digest, v.verdict, v.score FROM unnest(:digests::text[]) AS w (value)
JOIN rag_verdicts AS v ON v.tenant = :tenant AND v.inspector = :inspector AND v.digest = w.value;

-- name: rag_keep_verdict
-- tenant: $1
INSERT INTO rag_verdicts (tenant, inspector, digest, verdict, score) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, inspector, digest) DO NOTHING;

-- name: rag_forget_chunks
-- tenant: $1
DELETE FROM rag_chunks WHERE tenant = $1 AND name = $2;

-- name: rag_forget_documents
-- tenant: $1
DELETE FROM rag_documents WHERE tenant = $1 AND name = $2;

-- name: rag_forget_acls
-- tenant: $1
DELETE FROM rag_acls WHERE tenant = $1 AND name = $2;

-- name: rag_forget_sources
-- tenant: $1
DELETE FROM rag_sources WHERE tenant = $1 AND name = $2;

-- name: rag_forget_index
-- tenant: $1
UPDATE rag_indexes SET embedder = '', generation = generation + 1 WHERE tenant = $1 AND name = $2;

-- name: delete_tenant_rag_chunks
-- tenant: $1
DELETE FROM rag_chunks WHERE tenant = $1;

-- name: delete_tenant_rag_documents
-- tenant: $1
DELETE FROM rag_documents WHERE tenant = $1;

-- name: delete_tenant_rag_acls
-- tenant: $1
DELETE FROM rag_acls WHERE tenant = $1;

-- name: delete_tenant_rag_sources
-- tenant: $1
DELETE FROM rag_sources WHERE tenant = $1;

-- name: delete_tenant_rag_indexes
-- tenant: $1
DELETE FROM rag_indexes WHERE tenant = $1;

-- name: delete_tenant_rag_verdicts
-- tenant: $1
DELETE FROM rag_verdicts WHERE tenant = $1;
