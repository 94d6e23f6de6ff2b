"""All text streams of one answer, each with its own scan: choices, items, arguments, refusals.

- A stream is known by a key that the wire gives it (``("choice", 0, "content")``); two streams never share a scan, and
  text of one is never held for another.
- A stream that is told to hold JSON (arguments of a tool) is scanned through its escapes.
- Once one stream was ended by ``ask`` or ``block``, the answer is ended: nothing leaves any stream any more.
- ``close`` gives the rest of one stream; ``finish`` those of all. ``abandon`` is for an answer that broke: what is held
  back is dropped, on every stream.

>>> from ostiary.inspection.response import Leaks
>>> fan = StreamFan(Leaks())
>>> fan.feed("a", "card 4111 1111 "), fan.feed("b", "hello"), fan.feed("a", "1111 1111."), fan.finish()
('card ', 'hel', '', {'a': '[REDACTED:pii.card].', 'b': 'lo'})
"""

from collections.abc import Hashable, Sequence
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.response.leaks import Document, Leaks
from ostiary.inspection.response.scan import Replace, Scan, placeholder
from ostiary.vocabulary.inspecting import Finding, Verdict, harshest

MAX_STREAMS: Final = 1_024  # of one answer


class StreamFan:
    """One answer; from one thread at a time."""

    def __init__(
        self,
        leaks: Leaks,
        canaries: Sequence[str] = (),
        documents: Sequence[Document] = (),
        replace: Replace = placeholder,
    ) -> None:
        """Open scans of ``leaks`` as streams appear."""
        self._leaks = leaks
        self._canaries = canaries
        self._documents = documents
        self._replace = replace
        self._scans: dict[Hashable, Scan] = {}
        self._closed: set[Hashable] = set()
        self._over = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of all streams."""
        return tuple(finding for scan in self._scans.values() for finding in scan.findings)

    @property
    def verdict(self) -> Verdict:
        """Return the harshest verdict of all streams."""
        return harshest(scan.verdict for scan in self._scans.values())

    @property
    def ended(self) -> bool:
        """Return whether nothing leaves any more: something was blocked, or the answer is over."""
        return self._over

    def feed(self, key: Hashable, text: str, *, escaped: bool = False) -> str:
        """Take the next piece of the stream ``key``; return what may leave now.

        Raises:
            FaultyInputError: ``too_many_streams``, ``stream_closed``: the stream was closed and goes on.
        """
        if self._over:
            return ""
        if key in self._closed:
            raise FaultyInputError("stream_closed", f"the stream `{key}` was closed and goes on")
        scan = self._scans.get(key) or self._opened(key, escaped=escaped)
        return self._checked(scan, scan.feed(text))

    def close(self, key: Hashable) -> str:
        """Return the rest of the stream ``key``; of one that never was, nothing."""
        scan = self._scans.get(key)
        if scan is None or self._over or key in self._closed:
            return ""
        self._closed.add(key)
        return self._checked(scan, scan.close())

    def whole(self, key: Hashable, text: str, *, escaped: bool = False) -> str:
        """Return what may leave of a text that comes in one piece; no stream is kept for it."""
        if self._over:
            return ""
        scan = self._leaks.scan(self._canaries, self._documents, escaped=escaped, replace=self._replace)
        released = scan.feed(text) + scan.close()
        if scan.findings:
            self._scans[key] = scan
            self._closed.add(key)
        return self._checked(scan, released)

    def finish(self) -> dict[Hashable, str]:
        """Return the rest of every stream that is still open; the answer is over."""
        rest = {key: self.close(key) for key in self._scans if key not in self._closed}
        self._over = True
        return rest

    def abandon(self) -> None:
        """Drop what is held back on every stream: the answer broke."""
        self._over = True
        for scan in self._scans.values():
            scan.abandon()

    def _opened(self, key: Hashable, *, escaped: bool) -> Scan:
        if len(self._scans) >= MAX_STREAMS:
            raise FaultyInputError("too_many_streams", f"an answer may have {MAX_STREAMS} streams")
        scan = self._leaks.scan(self._canaries, self._documents, escaped=escaped, replace=self._replace)
        self._scans[key] = scan
        return scan

    def _checked(self, scan: Scan, released: str) -> str:
        """End the answer where a scan ended its text."""
        if scan.verdict in {Verdict.ASK, Verdict.BLOCK}:
            self._over = True
        return released
