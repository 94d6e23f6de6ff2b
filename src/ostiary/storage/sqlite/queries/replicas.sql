-- name: take_lease
INSERT INTO leases (name, holder, token, until_ms)
VALUES (:name, :holder, 1, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + :ttl_ms)
ON CONFLICT (name) DO UPDATE SET
  token = leases.token + (leases.holder <> excluded.holder),
  holder = excluded.holder,
  until_ms = excluded.until_ms
WHERE leases.holder = excluded.holder OR leases.until_ms <= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER);

-- name: lease_of
SELECT token FROM leases WHERE name = ? AND holder = ?;

-- name: lease_holds
SELECT token FROM leases WHERE name = ? AND holder = ? AND token = ?;

-- name: end_lease
UPDATE leases SET until_ms = 0 WHERE name = ? AND holder = ?;

-- name: leases
SELECT name, holder, token, until_ms - CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) FROM leases ORDER BY name;

-- name: hand_over
INSERT INTO inbox (replica, seq, tenant, kind, record_id, time_ns, tag, commitment, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (replica, seq) DO NOTHING;

-- name: log_epoch
SELECT epoch FROM log_head;

-- name: take_inbox
DELETE FROM inbox WHERE arrived IN (SELECT arrived FROM inbox ORDER BY arrived LIMIT ?)
RETURNING arrived, replica, seq, tenant, kind, record_id, time_ns, tag, commitment, sealed;

-- name: inbox_taken
SELECT replica, seq FROM inbox_taken;

-- name: note_taken
INSERT INTO inbox_taken (replica, seq, at_ms) VALUES (?, ?, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
ON CONFLICT (replica) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms;

-- name: forget_taken
DELETE FROM inbox_taken
WHERE at_ms < CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - ?
  AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.replica = inbox_taken.replica);

-- name: inbox_waiting
SELECT count(*) FROM inbox;
