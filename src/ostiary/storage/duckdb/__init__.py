"""DuckDB as an engine of feature queries: one fresh database for each query, which holds the view and nothing else."""

from ostiary.storage.duckdb.engine import DuckEngine

__all__ = ["DuckEngine"]
