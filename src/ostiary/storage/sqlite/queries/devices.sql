-- name: find_device
SELECT device FROM devices WHERE tenant = ? AND device_id = ?;

-- name: find_device_by_key
SELECT device FROM devices WHERE tenant = ? AND thumbprint = ?;

-- name: tenant_devices
SELECT device FROM devices WHERE tenant = ? ORDER BY device_id;

-- name: save_device_invitation
INSERT INTO device_invitations (tenant, code_hash, expires_ns, invitation) VALUES (?, ?, ?, ?);

-- name: find_device_invitation
SELECT invitation FROM device_invitations WHERE tenant = ? AND code_hash = ? AND expires_ns > ?;

-- name: tenant_device_invitations
SELECT invitation FROM device_invitations WHERE tenant = ?;

-- name: erase_device_invitation
DELETE FROM device_invitations WHERE tenant = ? AND code_hash = ?;

-- name: forget_device_invitations
DELETE FROM device_invitations WHERE tenant = ? AND expires_ns <= ?;

-- name: use_device_invitation
DELETE FROM device_invitations WHERE tenant = ? AND code_hash = ? AND expires_ns > ?;

-- name: device_key_taken
SELECT 1 FROM devices WHERE tenant = ? AND thumbprint = ?;

-- name: device_ak_taken
SELECT 1 FROM devices WHERE tenant = ? AND ak_name = ?;

-- name: add_device
INSERT INTO devices (tenant, device_id, thumbprint, ak_name, version, untold, due_ns, device)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: replace_device
UPDATE devices SET version = ?1, untold = ?2, due_ns = ?3, device = ?4
WHERE tenant = ?5 AND device_id = ?6 AND version = ?1 - 1;

-- name: remove_device
DELETE FROM devices WHERE tenant = ? AND device_id = ?;

-- name: untold_devices
SELECT device FROM devices WHERE untold = 1;

-- name: due_devices
SELECT device FROM devices WHERE due_ns > 0 AND due_ns <= ? AND untold = 0;

-- name: delete_tenant_devices
DELETE FROM devices WHERE tenant = ?;

-- name: delete_tenant_device_invitations
DELETE FROM device_invitations WHERE tenant = ?;
