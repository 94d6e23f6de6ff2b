-- name: load_profile
SELECT profile FROM profiles WHERE tenant = ? AND key = ? AND epoch <= ? ORDER BY epoch DESC LIMIT 1;

-- name: save_profile
INSERT INTO profiles (tenant, key, epoch, profile) VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, key, epoch) DO UPDATE SET profile = excluded.profile;

-- name: erase_profile
DELETE FROM profiles WHERE tenant = ? AND key = ?;

-- name: profiles_naming
SELECT key, epoch FROM profiles WHERE tenant = ? AND instr(profile, ?) > 0 ORDER BY key, epoch;

-- name: rewrite_profile
UPDATE profiles SET profile = ? WHERE tenant = ? AND key = ? AND epoch = ?;

-- name: settle_profiles
DELETE FROM profiles WHERE tenant = ?1 AND epoch < ?2 AND EXISTS (
  SELECT 1 FROM profiles AS later
  WHERE later.tenant = profiles.tenant AND later.key = profiles.key
    AND later.epoch > profiles.epoch AND later.epoch <= ?2
);

-- name: rewind_profiles
DELETE FROM profiles WHERE tenant = ? AND epoch > ?;

-- name: delete_tenant_profiles
DELETE FROM profiles WHERE tenant = ?;
