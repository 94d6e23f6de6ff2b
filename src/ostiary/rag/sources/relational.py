"""Rows of a table in a database that keeps its own rights: who reads which row, the database itself says each time.

- Every search asks the database, as the asker's own role and with the asker's name in a setting, which rows it may
  read; the answer becomes part of the query. Nothing of row-level security is understood here, so nothing is
  misunderstood.
- The check before an answer asks again for the rows that are about to be shown, in the revision that is about to be
  shown.
- An asker without a role reads nothing. More rows than ``MAX_ROWS`` refuse the search.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.rag.ports import Asker, Document, Known, Scan
from ostiary.rag.rights import NOBODY

MAX_ROWS: Final = 100_000
TOGETHER: Final = 200


class RowText(msgspec.Struct, frozen=True):
    """What one row says."""

    key: str
    revision: str
    text: str
    title: str = ""


class Relation(Protocol):
    """One table; ``storage`` implements it."""

    def revisions(self) -> Mapping[str, str]:
        """Return every row's key and revision, as the login that fills the index.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        ...

    def texts(self, keys: Sequence[str]) -> Sequence[RowText]:
        """Return what rows say, as that same login."""
        ...

    def readable(self, role: str, subject: str, keys: Sequence[str] | None) -> Mapping[str, str]:
        """Return keys and revisions of the rows that ``role`` may read now; of ``keys``, or of all.

        Raises:
            RefusedError: ``rag_too_many_rows``.
            UnavailableError: ``source_unavailable``.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class RelationalSource:
    """One table."""

    kind = "postgres"

    def __init__(self, name: str, relation: Relation, roles: Mapping[str, str], confidentiality: int = 0) -> None:
        """Take the table and the roles of askers by ``user:…``, ``group:…`` or ``*``; the first that fits counts."""
        self.name = name
        self._relation = relation
        self._roles = dict(roles)
        self._confidentiality = confidentiality

    def principals(self, asker: Asker) -> frozenset[str]:
        """Leave it to the database: no rule of ours lets anybody in."""
        del asker
        return frozenset()

    def readable(self, asker: Asker) -> frozenset[str]:
        """Return the keys of the rows that the asker may read now."""
        role = self._role(asker)
        return frozenset(self._relation.readable(role, asker.subject, None)) if role else frozenset()

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Compare the rows with what is known.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        found = self._relation.revisions()
        new = [key for key, revision in found.items() if key not in known or known[key].revision != revision]
        rights = dict.fromkeys(new, NOBODY)
        return Scan(tuple(key for key in known if key not in found), rights, self._documents(new))

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return which rows the database lets the asker read now, in these revisions."""
        role = self._role(asker)
        if not role or not documents:
            return frozenset()
        found = self._relation.readable(role, asker.subject, list(documents))
        return frozenset(key for key, revision in documents.items() if found.get(key) == revision)

    def close(self) -> None:
        """Let go of the database."""
        self._relation.close()

    def _role(self, asker: Asker) -> str:
        mine = asker.principals()
        return next((role for name, role in self._roles.items() if name in mine), "")

    def _documents(self, keys: Sequence[str]) -> Iterator[Document]:
        for at in range(0, len(keys), TOGETHER):
            for row in self._relation.texts(keys[at : at + TOGETHER]):
                yield Document(row.key, row.revision, row.text, row.title or row.key, self._confidentiality)
