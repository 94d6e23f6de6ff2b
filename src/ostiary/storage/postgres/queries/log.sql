-- name: head
-- tenant: none
SELECT origin, size, root, checkpoint, at_ns, epoch FROM log_head;

-- name: set_head
-- tenant: none
UPDATE log_head SET origin = $1, size = $2, root = $3, checkpoint = $4, at_ns = $5, epoch = $6;

-- name: next_epoch
-- tenant: none
UPDATE log_head SET epoch = epoch + 1;

-- name: cosigned
-- tenant: none
SELECT cosigned FROM log_head;

-- name: set_cosigned
-- tenant: none
UPDATE log_head SET cosigned = $1;

-- name: add_record
-- tenant: all
INSERT INTO records (idx, tenant, kind, record_id, time_ns, tag, entry, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: many_add_record
-- tenant: all
INSERT INTO records (idx, tenant, kind, record_id, time_ns, tag, entry, sealed)
SELECT * FROM unnest(
  $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[]
);

-- name: rows
-- tenant: all
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records WHERE idx >= $1 AND idx < $2 ORDER BY idx;

-- name: names
-- tenant: all
SELECT idx, kind, record_id FROM records WHERE idx >= $1 AND idx < $2 ORDER BY idx;

-- name: entries
-- tenant: all
SELECT entry FROM records WHERE idx >= $1 AND idx < $2 ORDER BY idx;

-- name: find_record
-- tenant: $1
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = $1 AND record_id = $2 ORDER BY idx LIMIT 1;

-- name: select_by_tag
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND tag = :tag AND idx >= :since
  AND (:kind::text IS NULL OR kind = :kind) AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: select_by_kind
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND kind = :kind AND kind <> 'decision' AND idx >= :since
  AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: select_any
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND idx >= :since
  AND (:kind::text IS NULL OR kind = :kind) AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: newest_by_tag
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND tag = :tag AND idx >= :since AND idx < :below
  AND (:kind::text IS NULL OR kind = :kind) AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: newest_by_kind
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND kind = :kind AND kind <> 'decision' AND idx >= :since AND idx < :below
  AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: newest_any
-- tenant: :tenant
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND idx >= :since AND idx < :below
  AND (:kind::text IS NULL OR kind = :kind) AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: sealed_indexes
-- tenant: :tenant
SELECT idx FROM records
WHERE tenant = :tenant AND sealed IS NOT NULL AND idx >= :since AND (:tag::bytea IS NULL OR tag = :tag)
  AND (:kind::text IS NULL OR kind = :kind) AND (:before::bigint IS NULL OR time_ns < :before)
ORDER BY idx;

-- name: erase_sealed
-- tenant: all
UPDATE records SET sealed = NULL WHERE idx = $1;

-- name: many_erase_sealed
-- tenant: all
UPDATE records SET sealed = NULL WHERE idx = ANY($1::bigint[]);

-- name: tile
-- tenant: none
SELECT hashes FROM tiles WHERE id = $1;

-- name: put_tile
-- tenant: none
INSERT INTO tiles (id, hashes) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET hashes = excluded.hashes;

-- name: count_beyond
-- tenant: all
SELECT count(*) FROM records WHERE idx >= $1;
