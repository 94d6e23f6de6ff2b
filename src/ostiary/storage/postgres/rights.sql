-- What the application's role may do, set anew whenever migrations have run. It owns nothing and is bound by the
-- policies: a statement sees the rows of the tenant that was told beforehand (`ostiary.tenant`), or those of all where
-- the statement's file says so (`ostiary.scope`). Where nothing was told, it sees none.
DO $$
DECLARE
  role text := current_setting('ostiary.role');
  found record;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA ostiary TO %I', role);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ostiary TO %I', role);
  EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON ostiary.migrations FROM %I', role);
  FOR found IN
    SELECT c.oid::regclass AS place FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'ostiary'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant'
      AND NOT EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'of_the_tenant_told')
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', found.place);
    EXECUTE format(
      'CREATE POLICY of_the_tenant_told ON %s USING (tenant = current_setting(''ostiary.tenant'', true)'
      || ' OR current_setting(''ostiary.scope'', true) = ''all'')', found.place);
  END LOOP;
END
$$;
