-- name: conversation_owner
-- tenant: $1
SELECT owner, epoch, seals FROM conversation_owners WHERE tenant = $1 AND owner = $2;

-- name: conversation_owners
-- tenant: $1
SELECT owner, epoch, seals FROM conversation_owners WHERE tenant = $1 ORDER BY owner;

-- name: add_conversation_owner
-- tenant: $1
INSERT INTO conversation_owners (tenant, owner, epoch, seals) VALUES ($1, $2, $3, 0)
ON CONFLICT (tenant, owner) DO NOTHING;

-- name: turn_conversation_owner
-- tenant: :tenant
UPDATE conversation_owners SET epoch = :epoch, seals = 0
WHERE tenant = :tenant AND owner = :owner AND epoch = :before AND epoch < :epoch;

-- name: may_seal_conversation
-- tenant: :tenant
SELECT 1 FROM conversation_owners
WHERE tenant = :tenant AND owner = :owner AND epoch = :epoch AND seals + :seals::bigint <= :most::bigint;

-- name: spend_conversation_seals
-- tenant: :tenant
UPDATE conversation_owners SET seals = seals + :seals WHERE tenant = :tenant AND owner = :owner;

-- name: conversation
-- tenant: $1
SELECT owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns FROM conversations
WHERE tenant = $1 AND conversation = $2 AND owner = $3;

-- name: conversation_page
-- tenant: :tenant
SELECT owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns FROM conversations
WHERE tenant = :tenant AND owner = :owner AND (:before::text = '' OR conversation < :before)
ORDER BY conversation DESC LIMIT :limit;

-- name: conversation_count
-- tenant: $1
SELECT count(*) FROM conversations WHERE tenant = $1 AND owner = $2;

-- name: conversation_oldest
-- tenant: $1
SELECT min(oldest) FROM conversations WHERE tenant = $1 AND owner = $2;

-- name: conversation_messages
-- tenant: $1
SELECT idx, epoch, previous, sealed FROM conversation_messages
WHERE tenant = $1 AND conversation = $2 AND idx >= $3 ORDER BY idx;

-- name: stale_conversations
-- tenant: $1
SELECT c.owner, c.conversation
FROM conversations AS c JOIN conversation_owners AS o ON o.tenant = c.tenant AND o.owner = c.owner
WHERE c.tenant = $1 AND c.conversation > $2 AND c.oldest < o.epoch
ORDER BY c.conversation LIMIT $3;

-- name: stale_conversation_count
-- tenant: $1
SELECT count(*)
FROM conversations AS c JOIN conversation_owners AS o ON o.tenant = c.tenant AND o.owner = c.owner
WHERE c.tenant = $1 AND c.oldest < o.epoch;

-- name: add_conversation
-- tenant: :tenant
INSERT INTO conversations (tenant, owner, conversation, generation, epoch, oldest, head, created_ns, updated_ns)
SELECT :tenant::text, :owner::text, :conversation::text, :generation::bigint, :epoch::bigint, :oldest::bigint,
  :head::bytea, :created_ns::bigint, :updated_ns::bigint
WHERE (SELECT count(*) FROM conversations WHERE tenant = :tenant AND owner = :owner) < :most::bigint
ON CONFLICT (tenant, conversation) DO NOTHING;

-- name: advance_conversation
-- tenant: :tenant
UPDATE conversations SET generation = :generation::bigint, epoch = :epoch, oldest = :oldest, head = :head,
  updated_ns = :updated_ns
WHERE tenant = :tenant AND conversation = :conversation AND owner = :owner AND generation = :generation::bigint - 1;

-- name: add_conversation_message
-- tenant: $1
INSERT INTO conversation_messages (tenant, conversation, idx, epoch, previous, sealed) VALUES ($1, $2, $3, $4, $5, $6);

-- name: delete_conversation
-- tenant: $1
DELETE FROM conversations WHERE tenant = $1 AND conversation = $2 AND owner = $3 AND generation = $4;

-- name: delete_conversation_messages
-- tenant: $1
DELETE FROM conversation_messages WHERE tenant = $1 AND conversation = $2;

-- name: conversations_of_owner
-- tenant: $1
SELECT conversation FROM conversations WHERE tenant = $1 AND owner = $2 ORDER BY conversation;

-- name: delete_conversations_of_owner
-- tenant: $1
DELETE FROM conversations WHERE tenant = $1 AND owner = $2;

-- name: set_conversation_epoch
-- tenant: :tenant
INSERT INTO conversation_owners (tenant, owner, epoch, seals) VALUES (:tenant, :owner, :epoch, 0)
ON CONFLICT (tenant, owner) DO UPDATE SET epoch = greatest(conversation_owners.epoch, excluded.epoch), seals = 0;

-- name: dig_conversation_grave
-- tenant: $1
INSERT INTO conversation_graves (tenant, owner, conversation, floor, dug_ns) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, owner, conversation, floor) DO UPDATE SET closed = 0;

-- name: conversation_graves
-- tenant: :tenant
SELECT owner, conversation, floor FROM conversation_graves WHERE tenant = :tenant AND (closed = 0 OR :all::bigint <> 0)
ORDER BY dug_ns, owner, conversation, floor;

-- name: close_conversation_grave
-- tenant: $1
UPDATE conversation_graves SET closed = 1 WHERE tenant = $1 AND owner = $2 AND conversation = $3 AND floor = $4;

-- name: delete_tenant_conversation_messages
-- tenant: $1
DELETE FROM conversation_messages WHERE tenant = $1;

-- name: delete_tenant_conversations
-- tenant: $1
DELETE FROM conversations WHERE tenant = $1;

-- name: delete_tenant_conversation_owners
-- tenant: $1
DELETE FROM conversation_owners WHERE tenant = $1;

-- name: delete_tenant_conversation_graves
-- tenant: $1
DELETE FROM conversation_graves WHERE tenant = $1;
