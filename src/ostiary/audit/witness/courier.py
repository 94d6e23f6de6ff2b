"""The log's side: takes the newest checkpoint to its witnesses and keeps what they cosigned.

- A witness that has seen more than the log has, or another history, means that *our own log was changed*: that is
  raised, never smoothed over.
- A witness that is away costs nothing but its cosignature.
"""

from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from ostiary.audit.ports import AuditStore
from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body, parse_size
from ostiary.audit.tlog.cosignatures import verify_cosignatures
from ostiary.audit.tlog.notes import NoteKey, parse_note
from ostiary.audit.tlog.tiles import consistency_proof
from ostiary.audit.witness.request import encode_request
from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError, VerificationError

_ANSWER_LIMIT: Final = 65_536
_TIMEOUT_S: Final = 10.0


class WitnessPeer(msgspec.Struct, frozen=True):
    """A witness as the log knows it: where it takes submissions, and its key."""

    url: str
    key: NoteKey


class Delivery(msgspec.Struct, frozen=True):
    """What became of one delivery: which witnesses cosigned, and why others did not."""

    size: int
    cosigned: tuple[str, ...]
    failed: dict[str, str]


class Courier:
    """Delivers checkpoints; close it when done."""

    def __init__(self, store: AuditStore, peers: Sequence[WitnessPeer], client: httpx.Client | None = None) -> None:
        """Deliver from ``store`` to ``peers``."""
        self._store = store
        self._peers = peers
        self._client = client or httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False)
        self._last: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def deliver(self) -> Delivery:
        """Take the newest checkpoint to every witness; keep it with all cosignatures that verify.

        Raises:
            VerificationError: ``log_rolled_back`` or ``log_rewritten`` when a witness remembers another history.
        """
        note = self._store.head().checkpoint
        lines: list[bytes] = []
        cosigned: list[str] = []
        failed: dict[str, str] = {}
        for peer in self._peers:
            try:
                lines.append(self._one(peer, note))
                cosigned.append(peer.key.name)
            except VerificationError:
                raise
            except OstiaryError as fault:
                failed[peer.key.name] = fault.message
        if lines:
            with self._store.transaction() as transaction:
                transaction.set_cosigned(note + b"".join(lines))
        return Delivery(parse_body(parse_note(note).text).size, tuple(cosigned), failed)

    def _one(self, peer: WitnessPeer, note: bytes) -> bytes:
        checkpoint = parse_body(parse_note(note).text)
        answer = self._submit(peer, checkpoint, note, min(self._last.get(peer.url, 0), checkpoint.size))
        if answer.status_code == httpx.codes.CONFLICT:
            old_size = _size(answer)
            if old_size > checkpoint.size:
                text = f"witness `{peer.key.name}` has seen {old_size} entries, the log has {checkpoint.size}"
                raise VerificationError("log_rolled_back", text)
            answer = self._submit(peer, checkpoint, note, old_size)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            text = f"witness `{peer.key.name}` remembers another history than the log shows"
            raise VerificationError("log_rewritten", text)
        if answer.status_code != httpx.codes.OK:
            raise UnavailableError("witness_refused", f"it answered {answer.status_code}: {answer.text[:200].strip()}")
        self._last[peer.url] = checkpoint.size
        return _verified(peer, note, answer.content)

    def _submit(self, peer: WitnessPeer, checkpoint: Checkpoint, note: bytes, old_size: int) -> httpx.Response:
        proof = consistency_proof(old_size, checkpoint.size, self._store.tile)
        try:
            body = encode_request(old_size, proof, note)
            return self._client.post(f"{peer.url.rstrip('/')}/add-checkpoint", content=body)
        except httpx.HTTPError as fault:
            raise UnavailableError("witness_unavailable", f"it does not answer: {fault}") from fault


def _size(answer: httpx.Response) -> int:
    return parse_size(answer.text.removesuffix("\n"))


def _verified(peer: WitnessPeer, note: bytes, lines: bytes) -> bytes:
    """Return the witness's own lines, verified; lines of strangers are dropped."""
    if len(lines) > _ANSWER_LIMIT:
        raise UnavailableError("witness_refused", "its answer is too large")
    own = b"".join(line for line in lines.splitlines(keepends=True) if f" {peer.key.name} ".encode() in line)
    try:
        signed = verify_cosignatures(parse_note(note + own), [peer.key])
    except (FaultyInputError, VerificationError) as fault:
        raise UnavailableError("witness_refused", f"its cosignature does not verify: {fault.message}") from fault
    if not signed:
        raise UnavailableError("witness_refused", "its answer holds no cosignature of its key")
    return own
