"""The section ``rag``: retrieval under the asker's own rights."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from ostiary.server.settings.base import Section
from ostiary.server.settings.features import PostgresSection


class RagSection(Section):
    """Indexes for retrieval."""

    enabled: bool = True
    """Whether indexes are served, where the extra `gateway` is installed."""
    embedder: Literal["hashed", "onnx"] = "hashed"
    """What makes vectors: hashed n-grams, or an encoder in a folder. An index keeps to the one it was made with."""
    embedder_path: Path | None = None
    """With `onnx`: folder with `model.onnx` and `tokenizer.json`."""
    store: Literal["exact", "lance", "postgres", "qdrant"] = "exact"
    """Where vectors are searched: in memory and exactly, in LanceDB below the data directory, in PostgreSQL with
    pgvector, or in Qdrant."""
    store_postgres: str = ""
    """With `postgres`: the name of the database (of `postgres` below) that holds the vectors."""
    store_url: str = ""
    """With `qdrant`: base URL of its REST interface."""
    store_key: SecretStr = SecretStr("")
    """With `qdrant`: its API key."""
    store_key_file: Path | None = None
    """File that holds `store_key`."""
    sync_s: Annotated[float, Field(ge=0.1, le=3600)] = 0.5
    """How often sources are looked at. A right that is gone is gone at once, whatever this is: every answer is checked
    at its source."""
    claims: tuple[str, ...] = ()
    """Claims of tokens that sources may name in their rights, as `claim:NAME=VALUE`; the issuer must `keep` them."""
    postgres: tuple[PostgresSection, ...] = ()
    """Databases with tables to be indexed: tables of `name` and `dsn_file`."""
    parallel: Annotated[int, Field(ge=1, le=256)] = 4
    """Searches at once; others wait, and beyond eight times as many are refused."""

    @model_validator(mode="after")
    def _whole(self) -> "RagSection":
        if self.embedder == "onnx" and self.embedder_path is None:
            msg = "`onnx` needs an `embedder_path`"
            raise ValueError(msg)
        if self.store == "qdrant" and not self.store_url:
            msg = "`qdrant` needs a `store_url`"
            raise ValueError(msg)
        names = [one.name for one in self.postgres]
        if len(set(names)) != len(names) or (self.store == "postgres" and self.store_postgres not in names):
            msg = "names in `postgres` are unique, and `store_postgres` is one of them"
            raise ValueError(msg)
        return self
