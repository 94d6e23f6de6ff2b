"""The section ``features``: where feature sets may lie, and how much one query may use.

Connection strings are given by file only, so that no list of tables ever shows one.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ostiary.server.settings.base import Section


class PostgresSection(Section):
    """One database with feature sets: its `name` in registrations, and the file with the projector's DSN."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")]
    dsn_file: Path


class FeaturesSection(Section):
    """Feature sets."""

    enabled: bool = True
    """Whether feature sets are served, where the extra `pipeline` is installed."""
    roots: tuple[Path, ...] = ()
    """Folders in which Parquet files of feature sets may lie, beside Ostiary's own folder."""
    postgres: tuple[PostgresSection, ...] = ()
    """Databases with feature sets: tables of `name` and `dsn_file`."""
    max_rows: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    """Most rows of one answer, and of one write."""
    max_bytes: Annotated[int, Field(ge=65_536, le=17_179_869_184)] = 268_435_456
    """Most bytes of one answer, as Arrow."""
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 10
    """Longest time for one query."""
    memory_mb: Annotated[int, Field(ge=16, le=1_048_576)] = 512
    """Most memory for one query of Parquet files."""
    parallel: Annotated[int, Field(ge=1, le=256)] = 4
    """Queries at once; others wait, and beyond eight times as many are refused."""
    token_rows: Annotated[int, Field(ge=0, le=10**12)] = 10_000_000
    """Most rows that one token may read in all; 0 sets no limit."""
    kept_mb: Annotated[int, Field(ge=0, le=1_048_576)] = 256
    """Memory for projected columns, so that the next query need not read them again."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "FeaturesSection":
        names = [one.name for one in self.postgres]
        if len(set(names)) != len(names):
            msg = "two of `postgres` have the same `name`"
            raise ValueError(msg)
        return self
