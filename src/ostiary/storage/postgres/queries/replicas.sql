-- name: take_lease
-- tenant: none
INSERT INTO leases (name, holder, token, until_ms)
VALUES (:name, :holder, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + :ttl_ms::bigint)
ON CONFLICT (name) DO UPDATE SET
  token = leases.token + CASE WHEN leases.holder <> excluded.holder THEN 1 ELSE 0 END,
  holder = excluded.holder,
  until_ms = excluded.until_ms
WHERE leases.holder = excluded.holder
  OR leases.until_ms <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- name: lease_of
-- tenant: none
SELECT token FROM leases WHERE name = $1 AND holder = $2;

-- name: lease_holds
-- tenant: none
SELECT token FROM leases WHERE name = $1 AND holder = $2 AND token = $3;

-- name: end_lease
-- tenant: none
UPDATE leases SET until_ms = 0 WHERE name = $1 AND holder = $2;

-- name: leases
-- tenant: none
SELECT name, holder, token, until_ms - (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM leases ORDER BY name;

-- name: hand_over
-- tenant: all
INSERT INTO inbox (replica, seq, tenant, kind, record_id, time_ns, tag, commitment, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (replica, seq) DO NOTHING;

-- name: many_hand_over
-- tenant: all
INSERT INTO inbox (replica, seq, tenant, kind, record_id, time_ns, tag, commitment, sealed)
SELECT * FROM unnest(
  $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[], $9::bytea[]
) ON CONFLICT (replica, seq) DO NOTHING;

-- name: log_epoch
-- tenant: none
SELECT epoch FROM log_head;

-- name: take_inbox
-- tenant: all
DELETE FROM inbox WHERE arrived IN (SELECT arrived FROM inbox ORDER BY arrived LIMIT $1)
RETURNING arrived, replica, seq, tenant, kind, record_id, time_ns, tag, commitment, sealed;

-- name: inbox_taken
-- tenant: none
SELECT replica, seq FROM inbox_taken;

-- name: note_taken
-- tenant: none
INSERT INTO inbox_taken (replica, seq, at_ms)
VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
ON CONFLICT (replica) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms;

-- name: forget_taken
-- tenant: all
DELETE FROM inbox_taken
WHERE at_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1::bigint
  AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.replica = inbox_taken.replica);

-- name: inbox_waiting
-- tenant: all
SELECT count(*) FROM inbox;
