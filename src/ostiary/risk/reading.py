"""Reads the history that a risk command is given, whatever form it has, and says exactly what it read.

- Without a mapping: one access event as JSON a line, what ``ostiary events import --out`` writes; plain or gzip.
- With a mapping: any log, brought into the same form on the way. It is called by the name of a format (``ostiary events
  formats``) or by the path of a YAML file (``docs/how-to/map-any-log.md``).
- Rejected records are counted and told with their line; the digest is of the file's own bytes, as it lies on the disk.
- The data manifest names the mapping too, and the digest of its text.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from ostiary.risk.source import Source
from ostiary.signals.enrichment import Enricher
from ostiary.signals.formats import format_of
from ostiary.signals.pieces import Accepted, Rejected
from ostiary.vocabulary.events import AccessEvent

OWN_FORMAT: Final = "ostiary"
OnRejected = Callable[[Rejected], None]


class EventReader:
    """One pass over one file of events.

    Attributes:
        events: how many were read so far.
        rejected: how many records were rejected so far.
    """

    def __init__(self, path: Path, mapping: str, tenant: str, on_rejected: OnRejected) -> None:
        """Prepare to read ``path``; ``mapping`` is a format's name or a mapping's file, empty for our own.

        Raises:
            FaultyInputError: ``format_unknown``, or ``mapping_…`` for what is wrong in a mapping's file.
        """
        self._path = path
        self._format = format_of(mapping or OWN_FORMAT)
        self._tenant = tenant
        self._on_rejected = on_rejected
        self._enricher = Enricher() if self._format.name != OWN_FORMAT else None
        self._digest = sha256()
        self._first_ns = self._last_ns = 0
        self.events = 0
        self.rejected = 0

    def __iter__(self) -> Iterator[AccessEvent]:
        """Yield the events in the order of the file."""
        for outcome in self._format.read(self._path, self._tenant, self._digest.update):
            if not isinstance(outcome, Accepted):
                self.rejected += 1
                self._on_rejected(outcome)
                continue
            event = outcome.event if self._enricher is None else self._enricher.enrich(outcome.event)
            self._first_ns = event.time_ns if not self.events else min(self._first_ns, event.time_ns)
            self._last_ns = max(self._last_ns, event.time_ns)
            self.events += 1
            yield event

    def source(self, origin: str) -> Source:
        """Return what was read, for the data manifest."""
        return Source(
            origin=origin,
            sha256=self._digest.hexdigest(),
            events=self.events,
            rejected=self.rejected,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            mapping=self._format.name,
            mapping_digest=self._format.digest,
        )
