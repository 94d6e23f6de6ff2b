"""A witness: judges, remembers, cosigns, in that order and never in another."""

import threading
from typing import Final

from ostiary.audit.tlog.cosignatures import cosign
from ostiary.audit.tlog.notes import COSIGNATURE, NoteKey, check_name, signature_line
from ostiary.audit.witness.book import WitnessBook
from ostiary.audit.witness.judge import Answer, Known, TrustedLogs, admit, judge
from ostiary.errors import OstiaryError
from ostiary.keys import SigningKey
from ostiary.vocabulary.clock import Clock

_SECOND_NS: Final = 1_000_000_000
_HASH_DIGITS: Final = 64


class Witness:
    """One witness with its name, key and memory; safe for many threads."""

    def __init__(self, name: str, key: SigningKey, logs: TrustedLogs, book: WitnessBook, clock: Clock) -> None:
        """Witness ``logs`` (public keys by origin) as ``name``.

        Raises:
            FaultyInputError: ``key_name_invalid``.
        """
        self._name = check_name(name)
        self._key = key
        self._logs = logs
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def key(self) -> NoteKey:
        """The witness's public key, for those who trust it."""
        return NoteKey(self._name, self._key.public, COSIGNATURE)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one submission; the new state is on disk before a cosignature leaves."""
        submission = admit(body, self._logs)
        if isinstance(submission, Answer):
            return submission
        checkpoint = submission.checkpoint
        try:
            with self._lock, self._book.held():
                refusal = judge(submission, self._book.known(checkpoint.origin))
                if refusal is not None:
                    return refusal
                time_s = self._clock.now_ns() // _SECOND_NS
                line = signature_line(cosign(submission.note.text, self._name, self._key, time_s))
                known = Known(checkpoint.size, checkpoint.root)
                self._book.keep(checkpoint.origin, known, submission.request.note + line)
        except OstiaryError as fault:
            return Answer(503, f"{fault.message}\n".encode())
        return Answer(200, line)

    def checkpoint(self, origin_hash: str) -> Answer:
        """Return the newest checkpoint that was cosigned for a log (monitor retrieval)."""
        history = self._history(origin_hash)
        return Answer(200, history[-1]) if history else Answer(404, b"not found\n")

    def history(self, origin_hash: str) -> Answer:
        """Return every remembered cosigned checkpoint, oldest first, each followed by a line of dashes; ours alone."""
        history = self._history(origin_hash)
        return Answer(200, b"".join(note + b"----\n" for note in history)) if history else Answer(404, b"not found\n")

    def _history(self, origin_hash: str) -> list[bytes]:
        if len(origin_hash) != _HASH_DIGITS or set(origin_hash) - set("0123456789abcdef"):
            return []
        return self._book.history(origin_hash)
