-- name: head
SELECT origin, size, root, checkpoint, at_ns, epoch FROM log_head;

-- name: set_head
UPDATE log_head SET origin = ?, size = ?, root = ?, checkpoint = ?, at_ns = ?, epoch = ?;

-- name: next_epoch
UPDATE log_head SET epoch = epoch + 1;

-- name: cosigned
SELECT cosigned FROM log_head;

-- name: set_cosigned
UPDATE log_head SET cosigned = ?;

-- name: add_record
INSERT INTO records (idx, tenant, kind, record_id, time_ns, tag, entry, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: rows
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records WHERE idx >= ? AND idx < ? ORDER BY idx;

-- name: names
SELECT idx, kind, record_id FROM records WHERE idx >= ? AND idx < ? ORDER BY idx;

-- name: entries
SELECT entry FROM records WHERE idx >= ? AND idx < ? ORDER BY idx;

-- name: find_record
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = ? AND record_id = ? ORDER BY idx LIMIT 1;

-- name: select_by_tag
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND tag = :tag AND idx >= :since
  AND (:kind IS NULL OR kind = :kind) AND (:before IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: select_by_kind
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND kind = :kind AND kind <> 'decision' AND idx >= :since
  AND (:before IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: select_any
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records INDEXED BY records_by_tenant
WHERE tenant = :tenant AND idx >= :since
  AND (:kind IS NULL OR kind = :kind) AND (:before IS NULL OR time_ns < :before)
ORDER BY idx LIMIT :limit;

-- name: newest_by_tag
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND tag = :tag AND idx >= :since AND idx < :below
  AND (:kind IS NULL OR kind = :kind) AND (:before IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: newest_by_kind
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records
WHERE tenant = :tenant AND kind = :kind AND kind <> 'decision' AND idx >= :since AND idx < :below
  AND (:before IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: newest_any
SELECT idx, tenant, kind, record_id, time_ns, tag, entry, sealed FROM records INDEXED BY records_by_tenant
WHERE tenant = :tenant AND idx >= :since AND idx < :below
  AND (:kind IS NULL OR kind = :kind) AND (:before IS NULL OR time_ns < :before)
ORDER BY idx DESC LIMIT :limit;

-- name: sealed_indexes
SELECT idx FROM records
WHERE tenant = :tenant AND sealed IS NOT NULL AND idx >= :since AND (:tag IS NULL OR tag = :tag)
  AND (:kind IS NULL OR kind = :kind) AND (:before IS NULL OR time_ns < :before)
ORDER BY idx;

-- name: erase_sealed
UPDATE records SET sealed = NULL WHERE idx = ?;

-- name: tile
SELECT hashes FROM tiles WHERE id = ?;

-- name: put_tile
INSERT INTO tiles (id, hashes) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET hashes = excluded.hashes;

-- name: count_beyond
SELECT count(*) FROM records WHERE idx >= ?;
