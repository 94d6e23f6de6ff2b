-- name: add_card
INSERT INTO response_cards (tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, drawer, name) DO NOTHING;

-- name: replace_card
UPDATE response_cards SET state = ?, data = ?, topic = ?, subject = ?, due_ns = ?, version = version + 1
WHERE tenant = ? AND drawer = ? AND name = ? AND version = ?;

-- name: find_card
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = ? AND drawer = ? AND name = ?;

-- name: due_cards
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE drawer = ? AND state IN (SELECT value FROM json_each(?)) AND due_ns > 0 AND due_ns <= ?
ORDER BY due_ns, number, name LIMIT ?;

-- name: listed_cards
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = ? AND drawer = ? AND (?3 = '[]' OR state IN (SELECT value FROM json_each(?3)))
ORDER BY made_ns DESC, number DESC, name DESC LIMIT ?4;

-- name: cards_about
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = ? AND drawer = ? AND topic = ? AND state = ? ORDER BY number, made_ns, name LIMIT ?;

-- name: count_cards
SELECT count(*) FROM response_cards WHERE drawer = ? AND state IN (SELECT value FROM json_each(?));

-- name: count_topic_cards
SELECT count(*) FROM response_cards
WHERE tenant = ? AND drawer = ? AND topic = ? AND state IN (SELECT value FROM json_each(?));

-- name: next_number
INSERT INTO response_numbers (tenant, drawer, topic, last) VALUES (?, ?, ?, 1)
ON CONFLICT (tenant, drawer, topic) DO UPDATE SET last = last + 1 RETURNING last;

-- name: prune_cards
DELETE FROM response_cards
WHERE drawer = ? AND state IN (SELECT value FROM json_each(?)) AND made_ns < ?;

-- name: erase_cards_of_subject
DELETE FROM response_cards WHERE tenant = ? AND subject = ?;

-- name: delete_tenant_cards
DELETE FROM response_cards WHERE tenant = ?;

-- name: delete_tenant_card_numbers
DELETE FROM response_numbers WHERE tenant = ?;
