-- name: add_authenticator
INSERT INTO authenticators (tenant, credential_id, subject, sign_count, name, used_ns, created_ns, authenticator)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, credential_id) DO NOTHING;

-- name: count_authenticators
SELECT COUNT(*) FROM authenticators WHERE tenant = ? AND subject = ?;

-- name: find_authenticator
SELECT 1 FROM authenticators WHERE tenant = ? AND credential_id = ?;

-- name: add_holder
INSERT INTO authenticator_holders (tenant, subject) VALUES (?, ?) ON CONFLICT (tenant, subject) DO NOTHING;

-- name: find_holder
SELECT 1 FROM authenticator_holders WHERE tenant = ? AND subject = ?;

-- name: delete_holder
DELETE FROM authenticator_holders WHERE tenant = ? AND subject = ?;

-- name: delete_tenant_holders
DELETE FROM authenticator_holders WHERE tenant = ?;

-- name: authenticators_of
SELECT sign_count, name, used_ns, authenticator FROM authenticators
WHERE tenant = ? AND subject = ? ORDER BY created_ns, credential_id;

-- name: use_authenticator
UPDATE authenticators SET sign_count = ?, used_ns = ?
WHERE tenant = ? AND subject = ? AND credential_id = ? AND sign_count = ?;

-- name: rename_authenticator
UPDATE authenticators SET name = ? WHERE tenant = ? AND subject = ? AND credential_id = ?;

-- name: delete_authenticator
DELETE FROM authenticators WHERE tenant = ? AND subject = ? AND credential_id = ?;

-- name: delete_authenticators_of
DELETE FROM authenticators WHERE tenant = ? AND subject = ?;

-- name: delete_invitations_of
DELETE FROM invitations WHERE tenant = ? AND subject = ?;

-- name: delete_recoveries_of
DELETE FROM recoveries WHERE tenant = ? AND subject = ?;

-- name: save_invitation
INSERT INTO invitations (token_hash, tenant, subject, created_ns, invitation) VALUES (?, ?, ?, ?, ?);

-- name: trim_invitations
DELETE FROM invitations WHERE token_hash IN (
  SELECT token_hash FROM invitations WHERE tenant = ? AND subject = ?
  ORDER BY created_ns DESC, token_hash LIMIT -1 OFFSET ?
);

-- name: find_invitation
SELECT invitation FROM invitations WHERE token_hash = ?;

-- name: take_invitation
DELETE FROM invitations WHERE token_hash = ?;

-- name: save_recovery
INSERT INTO recoveries (tenant, recovery_id, subject, created_ns, recovery) VALUES (?, ?, ?, ?, ?);

-- name: trim_recoveries
DELETE FROM recoveries WHERE tenant = ?1 AND recovery_id IN (
  SELECT recovery_id FROM recoveries WHERE tenant = ?1 AND subject = ?2
  ORDER BY created_ns DESC, recovery_id LIMIT -1 OFFSET ?3
);

-- name: find_recovery
SELECT recovery FROM recoveries WHERE tenant = ? AND recovery_id = ?;

-- name: recoveries
SELECT recovery FROM recoveries WHERE tenant = ? ORDER BY created_ns, recovery_id;

-- name: take_recovery
DELETE FROM recoveries WHERE tenant = ? AND recovery_id = ?;

-- name: delete_tenant_authenticators
DELETE FROM authenticators WHERE tenant = ?;

-- name: delete_tenant_invitations
DELETE FROM invitations WHERE tenant = ?;

-- name: delete_tenant_recoveries
DELETE FROM recoveries WHERE tenant = ?;
