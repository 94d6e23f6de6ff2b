"""What the features door needs from elsewhere: engines that run SQL on projected columns, a store of online values.

Engines and stores are chosen where everything is put together; whoever implements one imports its driver, nobody else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from ostiary.pipeline.features.masks import Keyed
from ostiary.pipeline.features.spec import FeatureSpec, Offline
from ostiary.pipeline.features.view import View


class Limits(msgspec.Struct, frozen=True):
    """How much one query may use."""

    max_rows: int = 1_000_000
    max_bytes: int = 268_435_456
    timeout_s: float = 10.0
    memory_mb: int = 512


class Engine(Protocol):
    """Runs one query where nothing exists but the tables it is given."""

    def run(self, sql: str, tables: Mapping[str, Any], limits: Limits) -> Any:
        """Return the whole answer as an Arrow table.

        ``tables`` are Arrow tables or datasets by their names. Nothing else can be reached: no file, no network, no
        other query's data, no setting.

        Raises:
            FaultyInputError: the query cannot run; the code says why, the text tells of nothing that was not given.
            RefusedError: it wanted more than its limits.
        """
        ...


class Relations(Protocol):
    """Feature sets that lie in a database which runs the query itself."""

    def run(self, tenant: str, name: str, spec: FeatureSpec, view: View, keyed: Keyed, sql: str, limits: Limits) -> Any:
        """Return the whole answer as an Arrow table; the query sees a relation ``name`` with the view's columns alone.

        Raises:
            FaultyInputError: the query cannot run.
            RefusedError: it wanted more than its limits.
            UnavailableError: ``source_unavailable``.
        """
        ...

    def append(self, source: Offline, table: Any) -> None:
        """Add the rows of an Arrow table, all or none.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        ...


class Cell(msgspec.Struct, frozen=True):
    """One online value: JSON, and the time of the event that it is from."""

    value: bytes
    event_ns: int


Allows = Callable[[Mapping[str, Mapping[str, Cell]]], bool]


class OnlineStore(Protocol):
    """The newest values by tenant, feature set, key and column. Safe for several threads."""

    def get(
        self, tenant: str, name: str, keys: Sequence[str], columns: Sequence[str]
    ) -> Mapping[str, Mapping[str, Cell]]:
        """Return the cells of these columns, and of no others, by key and column; what is not there is left out."""
        ...

    def put(self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]]) -> None:
        """Store ``(key, column, cell)``; an older event never replaces a newer one. All or none."""
        ...

    def put_over(
        self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]], columns: Sequence[str], allows: Allows
    ) -> bool:
        """Like ``put``, if ``allows`` says so of what stands under these keys (``columns``) in that very moment.

        Returns:
            Whether it was stored. Nobody else writes between the look and the writing.
        """
        ...

    def forget(self, tenant: str, name: str) -> int:
        """Erase a feature set; return how many cells there were."""
        ...


__all__ = ["Allows", "Cell", "Engine", "Keyed", "Limits", "OnlineStore", "Relations"]
