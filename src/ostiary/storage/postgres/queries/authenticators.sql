-- name: add_authenticator
-- tenant: $1
INSERT INTO authenticators (tenant, credential_id, subject, sign_count, name, used_ns, created_ns, authenticator)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, credential_id) DO NOTHING;

-- name: count_authenticators
-- tenant: $1
SELECT COUNT(*) FROM authenticators WHERE tenant = $1 AND subject = $2;

-- name: find_authenticator
-- tenant: $1
SELECT 1 FROM authenticators WHERE tenant = $1 AND credential_id = $2;

-- name: add_holder
-- tenant: $1
INSERT INTO authenticator_holders (tenant, subject) VALUES ($1, $2) ON CONFLICT (tenant, subject) DO NOTHING;

-- name: find_holder
-- tenant: $1
SELECT 1 FROM authenticator_holders WHERE tenant = $1 AND subject = $2;

-- name: delete_holder
-- tenant: $1
DELETE FROM authenticator_holders WHERE tenant = $1 AND subject = $2;

-- name: delete_tenant_holders
-- tenant: $1
DELETE FROM authenticator_holders WHERE tenant = $1;

-- name: authenticators_of
-- tenant: $1
SELECT sign_count, name, used_ns, authenticator FROM authenticators
WHERE tenant = $1 AND subject = $2 ORDER BY created_ns, credential_id;

-- name: use_authenticator
-- tenant: $3
UPDATE authenticators SET sign_count = $1, used_ns = $2
WHERE tenant = $3 AND subject = $4 AND credential_id = $5 AND sign_count = $6;

-- name: rename_authenticator
-- tenant: $2
UPDATE authenticators SET name = $1 WHERE tenant = $2 AND subject = $3 AND credential_id = $4;

-- name: delete_authenticator
-- tenant: $1
DELETE FROM authenticators WHERE tenant = $1 AND subject = $2 AND credential_id = $3;

-- name: delete_authenticators_of
-- tenant: $1
DELETE FROM authenticators WHERE tenant = $1 AND subject = $2;

-- name: delete_invitations_of
-- tenant: $1
DELETE FROM invitations WHERE tenant = $1 AND subject = $2;

-- name: delete_recoveries_of
-- tenant: $1
DELETE FROM recoveries WHERE tenant = $1 AND subject = $2;

-- name: save_invitation
-- tenant: $2
INSERT INTO invitations (token_hash, tenant, subject, created_ns, invitation) VALUES ($1, $2, $3, $4, $5);

-- name: trim_invitations
-- tenant: $1
DELETE FROM invitations WHERE token_hash IN (
  SELECT token_hash FROM invitations WHERE tenant = $1 AND subject = $2
  ORDER BY created_ns DESC, token_hash OFFSET $3
);

-- name: find_invitation
-- tenant: all
SELECT invitation FROM invitations WHERE token_hash = $1;

-- name: take_invitation
-- tenant: all
DELETE FROM invitations WHERE token_hash = $1;

-- name: save_recovery
-- tenant: $1
INSERT INTO recoveries (tenant, recovery_id, subject, created_ns, recovery) VALUES ($1, $2, $3, $4, $5);

-- name: trim_recoveries
-- tenant: $1
DELETE FROM recoveries WHERE tenant = $1 AND recovery_id IN (
  SELECT recovery_id FROM recoveries WHERE tenant = $1 AND subject = $2
  ORDER BY created_ns DESC, recovery_id OFFSET $3
);

-- name: find_recovery
-- tenant: $1
SELECT recovery FROM recoveries WHERE tenant = $1 AND recovery_id = $2;

-- name: recoveries
-- tenant: $1
SELECT recovery FROM recoveries WHERE tenant = $1 ORDER BY created_ns, recovery_id;

-- name: take_recovery
-- tenant: $1
DELETE FROM recoveries WHERE tenant = $1 AND recovery_id = $2;

-- name: delete_tenant_authenticators
-- tenant: $1
DELETE FROM authenticators WHERE tenant = $1;

-- name: delete_tenant_invitations
-- tenant: $1
DELETE FROM invitations WHERE tenant = $1;

-- name: delete_tenant_recoveries
-- tenant: $1
DELETE FROM recoveries WHERE tenant = $1;
