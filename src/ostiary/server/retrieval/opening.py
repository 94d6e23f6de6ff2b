"""Makes what the settings and an index's spec name: sources, the store of vectors, the inspector of texts."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.rag.ports import Source
from ostiary.rag.sources.accounts import ListedAccounts, SystemAccounts
from ostiary.rag.sources.feed import FeedSource
from ostiary.rag.sources.filesystem import ENDS, FilesystemSource
from ostiary.rag.sources.git import GitSource
from ostiary.rag.sources.relational import RelationalSource
from ostiary.server.retrieval.specs import Feed, Filesystem, Git, SourceSpec, Table
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.inspecting import PromptInspector

if TYPE_CHECKING:
    from ostiary.rag.book import Book
    from ostiary.rag.ports import Embedder, VectorStore
    from ostiary.server.settings.rag import RagSection
    from ostiary.storage.postgres.link import PostgresSource

NEEDED: Final = ("numpy",)
MAX_DSN: Final = 4096
_INSPECTOR: Final = "ostiary.inspection.prompt"


def can_be_served() -> bool:
    """Return whether the extra is there."""
    return all(find_spec(name) is not None for name in NEEDED)


def open_source(spec: SourceSpec, settings: "RagSection", clock: Clock) -> Source:
    """Return a source; nothing of it is read yet.

    Raises:
        OstiaryError: it cannot be.
    """
    if isinstance(spec, Filesystem):
        accounts = SystemAccounts() if spec.accounts == "system" else ListedAccounts(spec.accounts)
        ends = spec.ends or ENDS
        return FilesystemSource(spec.name, Path(spec.path), accounts, ends=ends, confidentiality=spec.confidentiality)
    if isinstance(spec, Feed):
        return FeedSource(spec.name, Path(spec.path))
    if isinstance(spec, Git):
        roots = tuple(Path(one) for one in spec.roots)
        return GitSource(spec.name, Path(spec.path), clock, subjects=spec.subjects, roots=roots)
    return _table(spec, settings)


def _table(spec: Table, settings: "RagSection") -> Source:
    from ostiary.storage.postgres.asked_rows import AskedRows, RowsOf  # noqa: PLC0415 - a driver

    where = RowsOf(spec.schema, spec.table, spec.key, spec.columns, spec.title, spec.setting)
    rows = AskedRows(database_of(settings, spec.database), where)
    return RelationalSource(spec.name, rows, spec.roles, spec.confidentiality)


def database_of(settings: "RagSection", name: str) -> "PostgresSource":
    """Return how to get into a configured database.

    Raises:
        UnavailableError: ``source_unavailable``.
    """
    from ostiary.storage.postgres.link import PostgresSource  # noqa: PLC0415 - a driver

    found = next((one for one in settings.postgres if one.name == name), None)
    if found is None:
        raise UnavailableError("source_unavailable", f"no database `{name}` is configured in `rag.postgres`")
    try:
        return PostgresSource(name, found.dsn_file.read_text("utf-8")[:MAX_DSN].strip())
    except (OSError, UnicodeDecodeError) as fault:
        raise UnavailableError("source_unavailable", f"the DSN of `{name}` cannot be read") from fault


def open_vectors(settings: "RagSection", folder: Path, book: "Book", embedder: "Embedder") -> "VectorStore":
    """Return the store that the settings name."""
    if settings.store == "lance":
        from ostiary.storage.lance import LanceVectors  # noqa: PLC0415 - an extra of its own

        return LanceVectors(folder, embedder.dimension)
    if settings.store == "postgres":
        from ostiary.storage.postgres.vectors import PostgresVectors  # noqa: PLC0415 - a driver

        return PostgresVectors(database_of(settings, settings.store_postgres), embedder.dimension)
    if settings.store == "qdrant":
        from ostiary.storage.qdrant import QdrantVectors  # noqa: PLC0415 - an extra of its own

        return QdrantVectors(settings.store_url, settings.store_key.get_secret_value(), embedder.dimension)
    from ostiary.rag.exact import ExactStore  # noqa: PLC0415 - an extra of its own

    return ExactStore(book, embedder.dimension)


def open_inspector() -> tuple[PromptInspector | None, str]:
    """Return the inspector of the data channel and a name for what it says, or none where none is installed."""
    if find_spec(_INSPECTOR) is None:
        return None, ""
    module: Any = import_module(_INSPECTOR)
    make = getattr(module, "open_prompt_inspector", None)
    try:
        inspector = make() if make is not None else None
    except OstiaryError:  # texts say then that nobody looked at them
        return None, ""
    return inspector, str(getattr(inspector, "digest", "prompt"))
