"""Everything of retrieval that a process has: opened at its first use, shared by all faces.

- An index is registered as a resource of type ``index``; its sources are made anew when its spec changes.
- What is read from sources is read by one thread at a time. A source that fails is noted with its code, and the next
  one is read; searches ask the source itself and so show nothing of it.
- Each search leaves a record of kind ``retrieval`` before its answer leaves: which decision, which index, and digests
  of what was found. Never a text, never the question.
"""

import shutil
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys import TenantSecrets, random_bytes, sha256_hex
from ostiary.pipeline.registered import Registered, Registry
from ostiary.rag.book import Book, Counts, SourceState
from ostiary.rag.conditions import NEVER, Condition, read_ucast
from ostiary.rag.ports import Asker, Passage, Source, VectorStore
from ostiary.server.places import Places
from ostiary.server.policies import Policies
from ostiary.server.retrieval.opening import can_be_served, open_inspector, open_source, open_vectors
from ostiary.server.retrieval.specs import read_spec
from ostiary.server.settings.rag import RagSection
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, check_tenant, make_id

if TYPE_CHECKING:
    from ostiary.rag.reading import Read, Reader
    from ostiary.rag.retrieval import Retrieval

TYPE: Final = "index"
KIND: Final = "retrieval"
FILTER: Final = "rag"
FOLDER: Final = "rag"
RECORD_WAIT_S: Final = 10.0


class _Opened(msgspec.Struct, frozen=True):
    retrieval: "Retrieval"
    reader: "Reader"
    store: "VectorStore"


class PolicyFilters:
    """``rag.retrieval.Filters`` by the tenant's own bundle."""

    def __init__(self, policies: Policies) -> None:
        """Take who knows bundles."""
        self._policies = policies

    def condition(self, asker: Asker) -> Condition:
        """Return what policy leaves over for this asker."""
        engine: Any = self._policies.engine(asker.tenant)
        ucast = getattr(engine, "ucast", None)
        if ucast is None:
            raise UnavailableError("filter_unavailable", "this policy engine gives no filters: use the embedded one")
        found = ucast(FILTER, asker.document)
        return NEVER if found is None else read_ucast(found)


class RagRoom:
    """Indexes of all tenants; safe for several threads."""

    def __init__(
        self,
        places: Places,
        settings: RagSection,
        book: Book,
        registry: Registry,
        policies: Policies,
        log: AuditLog,
        clock: Clock,
        on_fault: Callable[[str, BaseException], None],
    ) -> None:
        """Take what it works with; nothing is opened yet."""
        self._places = places
        self._settings = settings
        self._book = book
        self._registry = registry
        self._policies = policies
        self._log = log
        self._clock = clock
        self._on_fault = on_fault
        self._secrets = TenantSecrets(places.keys / FOLDER)
        self._sources: dict[tuple[str, str], tuple[str, tuple[Source, ...]]] = {}
        self._opened: _Opened | None = None
        self._lock = threading.RLock()
        self._reading = threading.Lock()

    @property
    def served(self) -> bool:
        """Whether indexes are to be served and can be."""
        return self._settings.enabled and can_be_served()

    def search(
        self, asker: Asker, index: str, query: str, k: int = 10, *, decision: str = ""
    ) -> tuple[tuple[Passage, ...], str]:
        """Return what the asker may find, and the id of the record that says so; it is on disk.

        Raises:
            OstiaryError: as ``rag.retrieval``; or the record cannot be written.
        """
        passages = self._open().retrieval.search(asker, index, query, k)
        now_ns = self._clock.now_ns()
        record = make_id("ret", now_ns, random_bytes(RANDOM_BYTES))
        told = {
            "v": 1,
            "decision": decision,
            "index": index,
            "passages": [{"chunk": one.chunk, "digest": one.digest} for one in passages],
            "confidentiality": max((one.label.confidentiality for one in passages), default=0),
        }
        written = self._log.append(asker.tenant, KIND, record, now_ns, msgspec.json.encode(told), asker.subject)
        written.result(timeout=RECORD_WAIT_S)
        return passages, record

    def check(self, one: Registered) -> list[str]:
        """Return the names of the sources of an index that can be registered.

        Raises:
            OstiaryError: it cannot.
        """
        spec = read_spec(one.spec)
        return [open_source(each, self._settings, self._clock).name for each in spec.sources]

    def look(self, one: Registered) -> "dict[str, Read | str]":
        """Return by source what reading an index anew would find; nothing is kept."""
        from ostiary.rag.chunks import pieces  # noqa: PLC0415 - numpy is an extra
        from ostiary.rag.reading import Read  # noqa: PLC0415

        found: dict[str, Read | str] = {}
        for each in read_spec(one.spec).sources:
            source = open_source(each, self._settings, self._clock)
            try:
                scan = source.scan({})
                counts = [len(pieces(document.text)) for document in scan.changed]
                found[each.name] = Read(0, len(scan.rights), len(counts), sum(counts), scan.skipped)
            except OstiaryError as fault:
                found[each.name] = fault.code
            finally:
                _close([source])
        return found

    def sources(self, tenant: str, index: str) -> Sequence[Source]:
        """Return the sources of an index; none of one that is not registered here."""
        one = self._registry.get(tenant, TYPE, index)
        if one is None:
            return ()
        digest = sha256_hex(msgspec.json.encode(one.spec))
        with self._lock:
            known = self._sources.get((tenant, index))
            if known is None or known[0] != digest:
                spec = read_spec(one.spec)
                made = tuple(open_source(each, self._settings, self._clock) for each in spec.sources)
                _close(known[1] if known is not None else ())
                known = self._sources[tenant, index] = (digest, made)
            return known[1]

    def read(self, tenant: str, index: str, told: Callable[[int], None] = lambda _: None) -> "dict[str, Read | str]":
        """Read every source of an index; return by source what changed, or the code of what went wrong.

        Raises:
            RefusedError: ``index_unknown``, ``embedder_mixed``.
        """
        if self._registry.get(tenant, TYPE, index) is None:
            raise RefusedError("index_unknown", f"there is no index `{index[:80]}`")
        done: dict[str, Read | str] = {}
        opened = self._open()
        with self._reading:
            states = self._book.states(tenant, index)
            sources = self.sources(tenant, index)
            self._drop(tenant, index, {one.name for one in sources}, states)
            for one in sources:
                try:
                    done[one.name] = opened.reader.read(tenant, index, one, self._clock.now_ns(), told)
                except RefusedError:
                    raise
                except OstiaryError as fault:
                    done[one.name] = fault.code
                    before = states.get(one.name, SourceState())
                    if before.fault != fault.code:
                        self._book.note(tenant, index, one.name, msgspec.structs.replace(before, fault=fault.code))
        return done

    def read_all(self, tenants: Sequence[str]) -> None:
        """Read every index of these tenants; faults are told and do not stop the others."""
        for tenant in tenants:
            for one in self._registry.all(tenant, TYPE):
                try:
                    self.read(tenant, one.id)
                except OstiaryError as fault:
                    self._on_fault(fault.code, fault)

    def states(self, tenant: str, index: str) -> tuple[dict[str, SourceState], Counts, str]:
        """Return how far sources are read, how much there is and whose vectors: for administrators alone."""
        book = self._book
        return book.states(tenant, index), book.counts(tenant, index), book.embedder(tenant, index)

    def forget(self, tenant: str, index: str) -> None:
        """Erase what an index holds."""
        with self._reading:
            self._open().retrieval.forget(tenant, index)

    def forget_tenant(self, tenant: str) -> None:
        """Erase a tenant's vectors and the secret of its names; the tables are erased with the tenant's others."""
        for one in self._registry.all(tenant, TYPE) if self.served else ():
            self.forget(tenant, one.id)
        self._secrets.erase(tenant)
        shutil.rmtree(self._places.root / FOLDER / check_tenant(tenant), ignore_errors=True)

    def close(self) -> None:
        """Let go of databases and stores."""
        with self._lock:
            _close([one for _, made in self._sources.values() for one in made])
            self._sources.clear()
            _close([self._opened.store] if self._opened is not None else [])

    def _drop(self, tenant: str, index: str, kept: set[str], states: dict[str, SourceState]) -> None:
        """Take out what came from sources that the index no longer has."""
        for name in set(states) - kept:
            gone = list(self._book.known(tenant, index, name))
            if gone:
                self._open().retrieval.remove(tenant, index, name, gone)

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened is None:
                if not self.served:
                    raise UnavailableError("rag_unavailable", "retrieval needs the extra `gateway`")
                self._opened = self._make()
            return self._opened

    def _make(self) -> _Opened:
        from ostiary.rag.embedding import open_embedder  # noqa: PLC0415 - numpy is an extra
        from ostiary.rag.opaque import Names  # noqa: PLC0415
        from ostiary.rag.reading import Reader  # noqa: PLC0415
        from ostiary.rag.retrieval import Retrieval  # noqa: PLC0415

        settings = self._settings
        embedder = open_embedder(settings.embedder, str(settings.embedder_path or ""))
        store = open_vectors(settings, self._places.root / FOLDER, self._book, embedder)
        inspector, name = open_inspector()
        reader = Reader(self._book, store, embedder, Names(self._secrets.of), inspector, name)
        retrieval = Retrieval(self._book, store, embedder, self.sources, PolicyFilters(self._policies))
        return _Opened(retrieval, reader, store)


def _close(opened: Sequence[object]) -> None:
    """Close those that hold something open."""
    for one in opened:
        close = getattr(one, "close", None)
        if close is not None:
            close()
