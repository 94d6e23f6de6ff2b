"""The section ``store``: where records, registries and tables lie."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from ostiary.server.settings.base import Section

Wait = Annotated[float, Field(gt=0, le=600)]


class StoreSection(Section):
    """Where records, registries and tables lie."""

    backend: Literal["sqlite", "postgres"] = "sqlite"
    """`sqlite`, a file in the data directory, or `postgres`, a database that several servers share."""
    url: SecretStr = SecretStr("")
    """With `postgres`: `postgresql://user:password@host:port/database`. TLS with the server's certificate checked is
    the default for another machine; `?sslrootcert=FILE` names the authority, `?host=/folder` a Unix socket."""
    url_file: Path | None = None
    """File with the URL."""
    role: Annotated[str, Field(pattern="^[a-z_][a-z0-9_]{0,62}$")] = "ostiary_app"
    """With `postgres`: the role that statements run as. It owns nothing and sees one tenant at a time."""
    plain: bool = False
    """Whether `sslmode=disable` is believed for another machine: records then travel as they are."""
    readers: Annotated[int, Field(ge=1, le=256)] = 4
    """With `postgres`: most connections for reading; one more writes."""
    connect_s: Wait = 5.0
    """With `postgres`: longest wait for a connection."""
    lock_s: Wait = 10.0
    """With `postgres`: longest wait for another writer, and for a free connection."""
    statement_s: Wait = 30.0
    """With `postgres`: longest time for one statement."""
    answer_s: Annotated[float, Field(ge=0.1, le=60)] = 2.0
    """With `postgres`: longest time that a decision waits for one statement. Whatever else waits half as long is asked
    after on another connection, and given up where the server knows nothing of it, or says nothing for this long."""
    idle_s: Wait = 5.0
    """With `postgres`: how long a writer may stand still inside a transaction before it loses it."""

    @model_validator(mode="after")
    def _the_place_is_named(self) -> "StoreSection":
        named = bool(self.url.get_secret_value()) or self.url_file is not None
        if named != (self.backend == "postgres"):
            msg = "`postgres` needs `url` or `url_file`, and `sqlite` has none"
            raise ValueError(msg)
        return self
