-- Reading one tenant's records in order must not walk through everybody's.
CREATE INDEX records_by_tenant ON records (tenant);
