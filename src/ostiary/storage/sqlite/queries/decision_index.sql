-- name: decision_cursor
SELECT next_idx FROM decision_cursors WHERE tenant = ?;

-- name: start_decision_cursor
INSERT INTO decision_cursors (tenant, next_idx)
SELECT :tenant, 0 WHERE EXISTS (SELECT 1 FROM tenants WHERE tenant = :tenant AND deleted_ns IS NULL)
ON CONFLICT (tenant) DO NOTHING;

-- name: move_decision_cursor
UPDATE decision_cursors SET next_idx = ? WHERE tenant = ? AND next_idx = ?;

-- name: add_indexed_decision
INSERT INTO decision_index (
  tenant, idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons, risk_band
)
SELECT :tenant, :idx, :time_ns, :id, :effect, :subject, :subject_type, :session, :action, :action_class, :resource_type,
  :resource_id, :pep, :rule, :risk, :ip, :kind, :reasons, min(9, :risk / 100000)
WHERE EXISTS (SELECT 1 FROM records WHERE idx = :idx AND tenant = :tenant AND sealed IS NOT NULL)
ON CONFLICT (tenant, idx) DO NOTHING;

-- name: add_decision_hour
INSERT INTO decision_hours (tenant, hour, effect, pep, count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, hour, effect, pep) DO UPDATE SET count = count + excluded.count;

-- name: widen_decision_span
INSERT INTO decision_spans (tenant, hour, first_idx, last_idx) VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, hour)
DO UPDATE SET first_idx = min(first_idx, excluded.first_idx), last_idx = max(last_idx, excluded.last_idx);

-- name: decision_span
SELECT min(first_idx), max(last_idx) FROM decision_spans WHERE tenant = ? AND hour >= ? AND hour <= ?;

-- name: erase_indexed_decisions
DELETE FROM decision_index
WHERE (tenant, idx) IN (SELECT tenant, idx FROM records WHERE idx >= ? AND idx < ? AND sealed IS NULL);

-- name: payloads_still_there
SELECT count(*) FROM records WHERE idx >= ? AND idx < ? AND sealed IS NOT NULL;

-- name: newest_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
SELECT idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons
FROM decision_index
-- not tenant: INDEXED BY decision_index_by_EACH
WHERE tenant = :tenant AND EACH = :by_EACH AND EACH <> ''
  AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
  AND (:effects IS NULL OR (:effects >> effect) & 1)
  AND (:subject IS NULL OR subject = :subject) AND (:session IS NULL OR session = :session)
  AND (:action IS NULL OR action = :action) AND (:resource_type IS NULL OR resource_type = :resource_type)
  AND (:resource_id IS NULL OR resource_id = :resource_id) AND (:pep IS NULL OR pep = :pep)
  AND (:without_pep IS NULL OR pep <> :without_pep)
  AND (:rule IS NULL OR rule = :rule) AND (:ip IS NULL OR ip = :ip) AND (:risk IS NULL OR risk >= :risk)
  AND (:risk IS NULL OR :unscored IS NULL OR subject <> :unscored)
  AND (:text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
    OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
ORDER BY idx DESC LIMIT :limit;

-- name: oldest_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
SELECT idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons
FROM decision_index
-- not tenant: INDEXED BY decision_index_by_EACH
WHERE tenant = :tenant AND EACH = :by_EACH AND EACH <> ''
  AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
  AND (:effects IS NULL OR (:effects >> effect) & 1)
  AND (:subject IS NULL OR subject = :subject) AND (:session IS NULL OR session = :session)
  AND (:action IS NULL OR action = :action) AND (:resource_type IS NULL OR resource_type = :resource_type)
  AND (:resource_id IS NULL OR resource_id = :resource_id) AND (:pep IS NULL OR pep = :pep)
  AND (:without_pep IS NULL OR pep <> :without_pep)
  AND (:rule IS NULL OR rule = :rule) AND (:ip IS NULL OR ip = :ip) AND (:risk IS NULL OR risk >= :risk)
  AND (:risk IS NULL OR :unscored IS NULL OR subject <> :unscored)
  AND (:text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
    OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
ORDER BY idx ASC LIMIT :limit;

-- name: count_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
SELECT count(*) FROM (
  SELECT 1 FROM decision_index
  -- not tenant: INDEXED BY decision_index_by_EACH
  WHERE tenant = :tenant AND EACH = :by_EACH AND EACH <> ''
    AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
    AND (:effects IS NULL OR (:effects >> effect) & 1)
    AND (:subject IS NULL OR subject = :subject) AND (:session IS NULL OR session = :session)
    AND (:action IS NULL OR action = :action) AND (:resource_type IS NULL OR resource_type = :resource_type)
    AND (:resource_id IS NULL OR resource_id = :resource_id) AND (:pep IS NULL OR pep = :pep)
    AND (:without_pep IS NULL OR pep <> :without_pep)
    AND (:rule IS NULL OR rule = :rule) AND (:ip IS NULL OR ip = :ip) AND (:risk IS NULL OR risk >= :risk)
    AND (:risk IS NULL OR :unscored IS NULL OR subject <> :unscored)
    AND (:text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
      OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
  LIMIT :limit
);

-- name: hourly_decisions
SELECT hour, effect, sum(count) FROM decision_hours
WHERE tenant = :tenant AND hour >= :since AND hour < :until AND (:pep IS NULL OR pep = :pep)
GROUP BY hour, effect ORDER BY hour, effect;

-- name: top_decisions_by_EACH
-- each: subject action rule
SELECT EACH, count(*) FROM decision_index
WHERE tenant = :tenant AND idx >= :first AND time_ns >= :since AND EACH <> ''
  AND (:effects IS NULL OR (:effects >> effect) & 1)
GROUP BY EACH ORDER BY count(*) DESC, EACH LIMIT :limit;

-- name: top_decisions_by_resource
SELECT resource_type || ':' || resource_id, count(*) FROM decision_index
WHERE tenant = :tenant AND idx >= :first AND time_ns >= :since AND resource_type <> ''
  AND (:effects IS NULL OR (:effects >> effect) & 1)
GROUP BY resource_type, resource_id ORDER BY count(*) DESC, resource_type, resource_id LIMIT :limit;

-- name: decision_heat
SELECT hour % 168, sum(count) FROM decision_hours WHERE tenant = ? AND hour >= ? GROUP BY hour % 168;

-- name: decision_heat_of_subject
SELECT (time_ns / 3600000000000) % 168, count(*) FROM decision_index INDEXED BY decision_index_by_subject
WHERE tenant = ? AND subject = ? AND time_ns >= ? GROUP BY (time_ns / 3600000000000) % 168;

-- name: delete_tenant_indexed_decisions
DELETE FROM decision_index WHERE tenant = ?;

-- name: delete_tenant_decision_hours
DELETE FROM decision_hours WHERE tenant = ?;

-- name: delete_tenant_decision_spans
DELETE FROM decision_spans WHERE tenant = ?;

-- name: delete_tenant_decision_cursor
DELETE FROM decision_cursors WHERE tenant = ?;
