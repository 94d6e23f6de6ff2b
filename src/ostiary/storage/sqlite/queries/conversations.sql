-- name: conversation_owner
SELECT owner, epoch, seals FROM conversation_owners WHERE tenant = ? AND owner = ?;

-- name: conversation_owners
SELECT owner, epoch, seals FROM conversation_owners WHERE tenant = ? ORDER BY owner;

-- name: add_conversation_owner
INSERT INTO conversation_owners (tenant, owner, epoch, seals) VALUES (?, ?, ?, 0)
ON CONFLICT (tenant, owner) DO NOTHING;

-- name: turn_conversation_owner
UPDATE conversation_owners SET epoch = :epoch, seals = 0
WHERE tenant = :tenant AND owner = :owner AND epoch = :before AND epoch < :epoch;

-- name: may_seal_conversation
SELECT 1 FROM conversation_owners
WHERE tenant = :tenant AND owner = :owner AND epoch = :epoch AND seals + :seals <= :most;

-- name: spend_conversation_seals
UPDATE conversation_owners SET seals = seals + :seals WHERE tenant = :tenant AND owner = :owner;

-- name: conversation
SELECT owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns FROM conversations
WHERE tenant = ? AND conversation = ? AND owner = ?;

-- name: conversation_page
SELECT owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns FROM conversations
WHERE tenant = :tenant AND owner = :owner AND (:before = '' OR conversation < :before)
ORDER BY conversation DESC LIMIT :limit;

-- name: conversation_count
SELECT count(*) FROM conversations WHERE tenant = ? AND owner = ?;

-- name: conversation_oldest
SELECT min(oldest) FROM conversations WHERE tenant = ? AND owner = ?;

-- name: conversation_messages
SELECT idx, epoch, previous, sealed FROM conversation_messages
WHERE tenant = ? AND conversation = ? AND idx >= ? ORDER BY idx;

-- name: stale_conversations
SELECT c.owner, c.conversation
FROM conversations AS c JOIN conversation_owners AS o ON o.tenant = c.tenant AND o.owner = c.owner
WHERE c.tenant = ? AND c.conversation > ? AND c.oldest < o.epoch
ORDER BY c.conversation LIMIT ?;

-- name: stale_conversation_count
SELECT count(*)
FROM conversations AS c JOIN conversation_owners AS o ON o.tenant = c.tenant AND o.owner = c.owner
WHERE c.tenant = ? AND c.oldest < o.epoch;

-- name: add_conversation
INSERT INTO conversations (tenant, owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns)
SELECT :tenant, :owner, :conversation, :generation, :epoch, :oldest, :head, :created_ns, :updated_ns
WHERE (SELECT count(*) FROM conversations WHERE tenant = :tenant AND owner = :owner) < :most
ON CONFLICT (tenant, conversation) DO NOTHING;

-- name: advance_conversation
UPDATE conversations SET generation = :generation, epoch = :epoch, oldest = :oldest, head = :head,
  updated_ns = :updated_ns
WHERE tenant = :tenant AND conversation = :conversation AND owner = :owner AND generation = :generation - 1;

-- name: add_conversation_message
INSERT INTO conversation_messages (tenant, conversation, idx, epoch, previous, sealed) VALUES (?, ?, ?, ?, ?, ?);

-- name: delete_conversation
DELETE FROM conversations WHERE tenant = ? AND conversation = ? AND owner = ? AND generation = ?;

-- name: delete_conversation_messages
DELETE FROM conversation_messages WHERE tenant = ? AND conversation = ?;

-- name: conversations_of_owner
SELECT conversation FROM conversations WHERE tenant = ? AND owner = ? ORDER BY conversation;

-- name: delete_conversations_of_owner
DELETE FROM conversations WHERE tenant = ? AND owner = ?;

-- name: set_conversation_epoch
INSERT INTO conversation_owners (tenant, owner, epoch, seals) VALUES (:tenant, :owner, :epoch, 0)
ON CONFLICT (tenant, owner) DO UPDATE SET epoch = max(epoch, excluded.epoch), seals = 0;

-- name: dig_conversation_grave
INSERT INTO conversation_graves (tenant, owner, conversation, floor, dug_ns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, owner, conversation, floor) DO UPDATE SET closed = 0;

-- name: conversation_graves
SELECT owner, conversation, floor FROM conversation_graves WHERE tenant = :tenant AND (closed = 0 OR :all)
ORDER BY dug_ns, owner, conversation, floor;

-- name: close_conversation_grave
UPDATE conversation_graves SET closed = 1 WHERE tenant = ? AND owner = ? AND conversation = ? AND floor = ?;

-- name: delete_tenant_conversation_messages
DELETE FROM conversation_messages WHERE tenant = ?;

-- name: delete_tenant_conversations
DELETE FROM conversations WHERE tenant = ?;

-- name: delete_tenant_conversation_owners
DELETE FROM conversation_owners WHERE tenant = ?;

-- name: delete_tenant_conversation_graves
DELETE FROM conversation_graves WHERE tenant = ?;
