"""PostgreSQL: the store of more than one machine, and a source of feature sets. Each is imported from its module.

- ``store.open_store(PostgresPlace(url)) -> PostgresStore`` keeps the tables of ``storage/tables`` (asyncpg).
- ``relations.PostgresRelations`` reads feature tables of somebody else's database (pg8000): each view is a schema of
  own, read by a role that owns nothing.
"""
