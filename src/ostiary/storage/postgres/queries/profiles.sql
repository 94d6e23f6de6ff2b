-- name: load_profile
-- tenant: $1
SELECT profile FROM profiles WHERE tenant = $1 AND key = $2 AND epoch <= $3 ORDER BY epoch DESC LIMIT 1;

-- name: save_profile
-- tenant: $1
INSERT INTO profiles (tenant, key, epoch, profile) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, key, epoch) DO UPDATE SET profile = excluded.profile;

-- name: erase_profile
-- tenant: $1
DELETE FROM profiles WHERE tenant = $1 AND key = $2;

-- name: profiles_naming
-- tenant: $1
SELECT key, epoch FROM profiles WHERE tenant = $1 AND position($2::bytea IN profile) > 0 ORDER BY key, epoch;

-- name: rewrite_profile
-- tenant: $2
UPDATE profiles SET profile = $1 WHERE tenant = $2 AND key = $3 AND epoch = $4;

-- name: settle_profiles
-- tenant: $1
DELETE FROM profiles WHERE tenant = $1 AND epoch < $2 AND EXISTS (
  SELECT 1 FROM profiles AS later
  WHERE later.tenant = profiles.tenant AND later.key = profiles.key
    AND later.epoch > profiles.epoch AND later.epoch <= $2
);

-- name: rewind_profiles
-- tenant: $1
DELETE FROM profiles WHERE tenant = $1 AND epoch > $2;

-- name: delete_tenant_profiles
-- tenant: $1
DELETE FROM profiles WHERE tenant = $1;
