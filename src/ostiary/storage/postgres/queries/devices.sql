-- name: find_device
-- tenant: $1
SELECT device FROM devices WHERE tenant = $1 AND device_id = $2;

-- name: find_device_by_key
-- tenant: $1
SELECT device FROM devices WHERE tenant = $1 AND thumbprint = $2;

-- name: tenant_devices
-- tenant: $1
SELECT device FROM devices WHERE tenant = $1 ORDER BY device_id;

-- name: save_device_invitation
-- tenant: $1
INSERT INTO device_invitations (tenant, code_hash, expires_ns, invitation) VALUES ($1, $2, $3, $4);

-- name: find_device_invitation
-- tenant: $1
SELECT invitation FROM device_invitations WHERE tenant = $1 AND code_hash = $2 AND expires_ns > $3;

-- name: tenant_device_invitations
-- tenant: $1
SELECT invitation FROM device_invitations WHERE tenant = $1;

-- name: erase_device_invitation
-- tenant: $1
DELETE FROM device_invitations WHERE tenant = $1 AND code_hash = $2;

-- name: forget_device_invitations
-- tenant: $1
DELETE FROM device_invitations WHERE tenant = $1 AND expires_ns <= $2;

-- name: use_device_invitation
-- tenant: $1
DELETE FROM device_invitations WHERE tenant = $1 AND code_hash = $2 AND expires_ns > $3;

-- name: device_key_taken
-- tenant: $1
SELECT 1 FROM devices WHERE tenant = $1 AND thumbprint = $2;

-- name: device_ak_taken
-- tenant: $1
SELECT 1 FROM devices WHERE tenant = $1 AND ak_name = $2;

-- name: add_device
-- tenant: $1
INSERT INTO devices (tenant, device_id, thumbprint, ak_name, version, untold, due_ns, device)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: replace_device
-- tenant: $5
UPDATE devices SET version = $1::bigint, untold = $2, due_ns = $3, device = $4
WHERE tenant = $5 AND device_id = $6 AND version = $1::bigint - 1;

-- name: remove_device
-- tenant: $1
DELETE FROM devices WHERE tenant = $1 AND device_id = $2;

-- name: untold_devices
-- tenant: all
SELECT device FROM devices WHERE untold = 1;

-- name: due_devices
-- tenant: all
SELECT device FROM devices WHERE due_ns > 0 AND due_ns <= $1 AND untold = 0;

-- name: delete_tenant_devices
-- tenant: $1
DELETE FROM devices WHERE tenant = $1;

-- name: delete_tenant_device_invitations
-- tenant: $1
DELETE FROM device_invitations WHERE tenant = $1;
