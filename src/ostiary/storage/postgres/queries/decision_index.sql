-- name: decision_cursor
-- tenant: $1
SELECT next_idx FROM decision_cursors WHERE tenant = $1;

-- name: start_decision_cursor
-- tenant: :tenant
INSERT INTO decision_cursors (tenant, next_idx)
SELECT :tenant::text, 0 WHERE EXISTS (SELECT 1 FROM tenants WHERE tenant = :tenant AND deleted_ns IS NULL)
ON CONFLICT (tenant) DO NOTHING;

-- name: move_decision_cursor
-- tenant: $2
UPDATE decision_cursors SET next_idx = $1 WHERE tenant = $2 AND next_idx = $3;

-- name: add_indexed_decision
-- tenant: :tenant
INSERT INTO decision_index (
  tenant, idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons, risk_band
)
SELECT :tenant::text, :idx::bigint, :time_ns::bigint, :id::text, :effect::bigint, :subject::text, :subject_type::text,
  :session::text, :action::text, :action_class::text, :resource_type::text, :resource_id::text, :pep::text, :rule::text,
  :risk::bigint, :ip::text, :kind::text, :reasons::text,
  CASE WHEN :risk::bigint IS NULL THEN NULL ELSE least(9, :risk::bigint / 100000) END
WHERE EXISTS (SELECT 1 FROM records WHERE idx = :idx AND tenant = :tenant AND sealed IS NOT NULL)
ON CONFLICT (tenant, idx) DO NOTHING;

-- name: add_decision_hour
-- tenant: $1
INSERT INTO decision_hours (tenant, hour, effect, pep, count) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, hour, effect, pep) DO UPDATE SET count = decision_hours.count + excluded.count;

-- name: widen_decision_span
-- tenant: $1
INSERT INTO decision_spans (tenant, hour, first_idx, last_idx) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, hour)
DO UPDATE SET first_idx = least(decision_spans.first_idx, excluded.first_idx),
  last_idx = greatest(decision_spans.last_idx, excluded.last_idx);

-- name: decision_span
-- tenant: $1
SELECT min(first_idx), max(last_idx) FROM decision_spans WHERE tenant = $1 AND hour >= $2 AND hour <= $3;

-- name: erase_indexed_decisions
-- tenant: all
DELETE FROM decision_index
WHERE (tenant, idx) IN (SELECT tenant, idx FROM records WHERE idx >= $1 AND idx < $2 AND sealed IS NULL);

-- name: payloads_still_there
-- tenant: all
SELECT count(*) FROM records WHERE idx >= $1 AND idx < $2 AND sealed IS NOT NULL;

-- name: newest_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
-- tenant: :tenant
SELECT idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons
FROM decision_index
WHERE tenant = :tenant AND EACH = :by_EACH AND EACH::text <> ''
  AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
  AND (:effects::bigint IS NULL OR ((:effects::bigint >> effect::integer) & 1) = 1)
  AND (:subject::text IS NULL OR subject = :subject) AND (:session::text IS NULL OR session = :session)
  AND (:action::text IS NULL OR action = :action) AND (:resource_type::text IS NULL OR resource_type = :resource_type)
  AND (:resource_id::text IS NULL OR resource_id = :resource_id) AND (:pep::text IS NULL OR pep = :pep)
  AND (:without_pep::text IS NULL OR pep <> :without_pep)
  AND (:rule::text IS NULL OR rule = :rule) AND (:ip::text IS NULL OR ip = :ip) AND (:risk::bigint IS NULL OR risk >= :risk)
  AND (:risk::bigint IS NULL OR :unscored::text IS NULL OR strpos(:unscored, chr(10) || subject || chr(10)) = 0)
  AND (:text::text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
    OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
ORDER BY idx DESC LIMIT :limit;

-- name: oldest_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
-- tenant: :tenant
SELECT idx, time_ns, id, effect, subject, subject_type, session, action, action_class, resource_type, resource_id,
  pep, rule, risk, ip, kind, reasons
FROM decision_index
WHERE tenant = :tenant AND EACH = :by_EACH AND EACH::text <> ''
  AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
  AND (:effects::bigint IS NULL OR ((:effects::bigint >> effect::integer) & 1) = 1)
  AND (:subject::text IS NULL OR subject = :subject) AND (:session::text IS NULL OR session = :session)
  AND (:action::text IS NULL OR action = :action) AND (:resource_type::text IS NULL OR resource_type = :resource_type)
  AND (:resource_id::text IS NULL OR resource_id = :resource_id) AND (:pep::text IS NULL OR pep = :pep)
  AND (:without_pep::text IS NULL OR pep <> :without_pep)
  AND (:rule::text IS NULL OR rule = :rule) AND (:ip::text IS NULL OR ip = :ip) AND (:risk::bigint IS NULL OR risk >= :risk)
  AND (:risk::bigint IS NULL OR :unscored::text IS NULL OR strpos(:unscored, chr(10) || subject || chr(10)) = 0)
  AND (:text::text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
    OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
ORDER BY idx ASC LIMIT :limit;

-- name: count_decisions_by_EACH
-- each: tenant subject session action resource_type resource_id pep rule ip effect risk_band
-- tenant: :tenant
SELECT count(*) FROM (
  SELECT 1 FROM decision_index
  WHERE tenant = :tenant AND EACH = :by_EACH AND EACH::text <> ''
    AND idx >= :first AND idx <= :last AND time_ns >= :since AND time_ns < :until
    AND (:effects::bigint IS NULL OR ((:effects::bigint >> effect::integer) & 1) = 1)
    AND (:subject::text IS NULL OR subject = :subject) AND (:session::text IS NULL OR session = :session)
    AND (:action::text IS NULL OR action = :action) AND (:resource_type::text IS NULL OR resource_type = :resource_type)
    AND (:resource_id::text IS NULL OR resource_id = :resource_id) AND (:pep::text IS NULL OR pep = :pep)
    AND (:without_pep::text IS NULL OR pep <> :without_pep)
    AND (:rule::text IS NULL OR rule = :rule) AND (:ip::text IS NULL OR ip = :ip) AND (:risk::bigint IS NULL OR risk >= :risk)
    AND (:risk::bigint IS NULL OR :unscored::text IS NULL OR strpos(:unscored, chr(10) || subject || chr(10)) = 0)
    AND (:text::text IS NULL OR substr(subject, 1, length(:text)) = :text OR substr(resource_id, 1, length(:text)) = :text
      OR substr(subject, length(subject_type) + 2, length(:text)) = :text)
  LIMIT :limit
) AS found;

-- name: hourly_decisions
-- tenant: :tenant
SELECT hour, effect, sum(count)::bigint FROM decision_hours
WHERE tenant = :tenant AND hour >= :since AND hour < :until AND (:pep::text IS NULL OR pep = :pep)
GROUP BY hour, effect ORDER BY hour, effect;

-- name: top_decisions_by_EACH
-- each: subject action rule
-- tenant: :tenant
SELECT EACH, count(*) FROM decision_index
WHERE tenant = :tenant AND idx >= :first AND time_ns >= :since AND EACH::text <> ''
  AND (:effects::bigint IS NULL OR ((:effects::bigint >> effect::integer) & 1) = 1)
GROUP BY EACH ORDER BY count(*) DESC, EACH LIMIT :limit;

-- name: top_decisions_by_resource
-- tenant: :tenant
SELECT resource_type || ':' || resource_id, count(*) FROM decision_index
WHERE tenant = :tenant AND idx >= :first AND time_ns >= :since AND resource_type <> ''
  AND (:effects::bigint IS NULL OR ((:effects::bigint >> effect::integer) & 1) = 1)
GROUP BY resource_type, resource_id ORDER BY count(*) DESC, resource_type, resource_id LIMIT :limit;

-- name: decision_heat
-- tenant: $1
SELECT hour % 168, sum(count)::bigint FROM decision_hours WHERE tenant = $1 AND hour >= $2 GROUP BY hour % 168;

-- name: decision_heat_of_subject
-- tenant: $1
SELECT (time_ns / 3600000000000) % 168, count(*) FROM decision_index
WHERE tenant = $1 AND subject = $2 AND time_ns >= $3 GROUP BY (time_ns / 3600000000000) % 168;

-- name: delete_tenant_indexed_decisions
-- tenant: $1
DELETE FROM decision_index WHERE tenant = $1;

-- name: delete_tenant_decision_hours
-- tenant: $1
DELETE FROM decision_hours WHERE tenant = $1;

-- name: delete_tenant_decision_spans
-- tenant: $1
DELETE FROM decision_spans WHERE tenant = $1;

-- name: delete_tenant_decision_cursor
-- tenant: $1
DELETE FROM decision_cursors WHERE tenant = $1;
