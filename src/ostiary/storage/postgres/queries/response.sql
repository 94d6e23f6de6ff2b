-- name: add_card
-- tenant: $1
INSERT INTO response_cards (tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, drawer, name) DO NOTHING;

-- name: replace_card
-- tenant: $6
UPDATE response_cards SET state = $1, data = $2, topic = $3, subject = $4, due_ns = $5, version = version + 1
WHERE tenant = $6 AND drawer = $7 AND name = $8 AND version = $9;

-- name: find_card
-- tenant: $1
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = $1 AND drawer = $2 AND name = $3;

-- name: due_cards
-- tenant: all
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE drawer = $1 AND state = ANY($2::text[]) AND due_ns > 0 AND due_ns <= $3
ORDER BY due_ns, number, name LIMIT $4;

-- name: listed_cards
-- tenant: $1
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = $1 AND drawer = $2 AND (cardinality($3::text[]) = 0 OR state = ANY($3::text[]))
ORDER BY made_ns DESC, number DESC, name DESC LIMIT $4;

-- name: cards_about
-- tenant: $1
SELECT tenant, drawer, name, state, data, topic, subject, due_ns, made_ns, number, version FROM response_cards
WHERE tenant = $1 AND drawer = $2 AND topic = $3 AND state = $4 ORDER BY number, made_ns, name LIMIT $5;

-- name: count_cards
-- tenant: all
SELECT count(*) FROM response_cards WHERE drawer = $1 AND state = ANY($2::text[]);

-- name: count_topic_cards
-- tenant: $1
SELECT count(*) FROM response_cards
WHERE tenant = $1 AND drawer = $2 AND topic = $3 AND state = ANY($4::text[]);

-- name: next_number
-- tenant: $1
INSERT INTO response_numbers (tenant, drawer, topic, last) VALUES ($1, $2, $3, 1)
ON CONFLICT (tenant, drawer, topic) DO UPDATE SET last = response_numbers.last + 1 RETURNING last;

-- name: prune_cards
-- tenant: all
DELETE FROM response_cards
WHERE drawer = $1 AND state = ANY($2::text[]) AND made_ns < $3;

-- name: erase_cards_of_subject
-- tenant: $1
DELETE FROM response_cards WHERE tenant = $1 AND subject = $2;

-- name: delete_tenant_cards
-- tenant: $1
DELETE FROM response_cards WHERE tenant = $1;

-- name: delete_tenant_card_numbers
-- tenant: $1
DELETE FROM response_numbers WHERE tenant = $1;
