"""PostgreSQL as a source of feature sets: each view is a schema of its own, read by a role that owns nothing."""

from ostiary.storage.postgres.link import PostgresSource
from ostiary.storage.postgres.relations import PostgresRelations

__all__ = ["PostgresRelations", "PostgresSource"]
