"""Replays a whole history on many workers, goes on where an earlier run ended, and says how far it is.

- What is done stands in a journal, signed after each step; a run that is killed goes on from it. Who changes files or
  journal meanwhile is refused: both are believed by digest and signature alone.
- A journal names its run: one of another run of the same history, of an older catalogue say, is refused.
- The same history, catalogue and settings are the same run; others lie beside it.
- Books hold what people did: they are erased once every part is done, but for the last, which is the back-fill.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.errors import VerificationError
from ostiary.keys import KeyRing, sha256_hex
from ostiary.server.history import passes
from ostiary.server.history.cluster import finished
from ostiary.server.history.parts import MOST_LIST, Listed, digest_of, list_of, seal, unseal
from ostiary.server.history.passes import Ask, Written
from ostiary.server.history.shelf import Shelf
from ostiary.signals.features import SET_DIGEST

if TYPE_CHECKING:
    from distributed import Client

JOURNAL: Final = "journal.json"
Progress = Callable[[str, float], None]


class Journal(msgspec.Struct):
    """What is done: books by the part that they stand before, features by part."""

    history: str
    run: str
    books: dict[int, Written] = {}
    features: dict[int, Written] = {}


class Replayed(msgspec.Struct, frozen=True):
    """A finished replay.

    Attributes:
        run: its folder.
        events: how many.
        features: one file a part, in order; believed by these digests.
        book: the profiles after the last event.
        resumed: parts that an earlier run had done.
    """

    run: str
    events: int
    features: tuple[Written, ...]
    book: Written
    resumed: int = 0


def replay_history(
    shelf: Shelf, ring: KeyRing, tenant: str, client: "Client", tell: Progress = lambda _what, _share: None
) -> Replayed:
    """Write the features of every event of a history, and the profiles after the last.

    Raises:
        VerificationError: ``history_untrusted``, ``history_changed``.
        UnavailableError: ``history_unreadable``, ``history_unwritable``.
        FaultyInputError: ``history_…``.
    """
    listed = list_of(shelf, ring, tenant)
    ask = Ask(shelf.address, run_of(listed), tenant)
    run = _Run(shelf, ring, listed, ask, client, tell)
    return run.finish()


def run_of(listed: Listed) -> str:
    """Return the folder of the run: the same for the same events and catalogue."""
    return "runs/" + sha256_hex(f"{digest_of(listed)} {SET_DIGEST}".encode())[:24]


class _Run:
    """One run, its journal, and what is on its way."""

    def __init__(self, shelf: Shelf, ring: KeyRing, listed: Listed, ask: Ask, client: "Client", tell: Progress) -> None:
        self._shelf, self._ring, self._listed, self._ask = shelf, ring, listed, ask
        self._client, self._tell = client, tell
        self._journal = self._opened()
        self._resumed = len(self._journal.features)
        self._going: dict[Any, tuple[str, int]] = {}

    def _opened(self) -> Journal:
        name, digest = f"{self._ask.run}/{JOURNAL}", digest_of(self._listed)
        if not self._shelf.holds(name):
            return Journal(digest, self._ask.run)
        found = unseal(self._ring, self._ask.tenant, self._shelf.read(name, most=MOST_LIST), Journal)
        if (found.history, found.run) != (digest, self._ask.run):
            raise VerificationError("history_untrusted", "the journal is of another history, or of another run")
        return found

    def finish(self) -> Replayed:
        """Do what is left."""
        parts, journal = self._listed.parts, self._journal
        if 0 not in journal.books:
            journal.books[0] = passes.first_book(self._ask)
            self._note()
        done = finished(self._client, self._begun())
        for future in done:
            what, number = self._going.pop(future)
            (journal.books if what == "learn" else journal.features)[number] = future.result()
            self._note()
            self._tell("replay", len(journal.features) / len(parts))
            for more in self._follow(what, number):
                done.add(more)
        self._tidy()
        features = tuple(journal.features[number] for number in range(len(parts)))
        return Replayed(self._ask.run, self._listed.events, features, journal.books[len(parts)], self._resumed)

    def _begun(self) -> list[Any]:
        """Send the next part of pass one, and every part of pass two whose book is there."""
        last = max(self._journal.books)
        first = [self._learn(last)] if last < len(self._listed.parts) else []
        return [*first, *(self._look(number) for number in sorted(self._journal.books) if self._wanted(number))]

    def _follow(self, what: str, number: int) -> list[Any]:
        if what != "learn":
            return []
        more = [self._learn(number)] if number < len(self._listed.parts) else []
        return [*more, *([self._look(number)] if self._wanted(number) else [])]

    def _wanted(self, number: int) -> bool:
        return number < len(self._listed.parts) and number not in self._journal.features

    def _learn(self, number: int) -> Any:
        """Pass one goes first: everything else waits for it."""
        return self._send(passes.learn_part, "learn", number, number + 1, 10)

    def _look(self, number: int) -> Any:
        return self._send(passes.replay_part, "look", number, number, 0)

    def _send(self, work: Callable[..., Any], what: str, number: int, makes: int, priority: int) -> Any:
        part, before = self._listed.parts[number], self._journal.books[number]
        future = self._client.submit(work, self._ask, number, part, before, pure=False, priority=priority)
        self._going[future] = (what, makes)
        return future

    def _note(self) -> None:
        self._shelf.write(f"{self._ask.run}/{JOURNAL}", seal(self._ring, self._ask.tenant, self._journal))

    def _tidy(self) -> None:
        for number in sorted(self._journal.books)[:-1]:
            self._shelf.drop(self._journal.books[number].name)
