r"""Signed batches of events: one line that says what they are and who signed it, then the events, one a line.

Rules:

- The first line is a DSSE envelope whose payload is the header; what is signed is the envelope's PAE over the header,
  and the header names the SHA-256 of everything after the first line. Nothing is believed that is not signed.
- The header binds tenant, producer, key, place in the producer's chain (sequence and the digest of the batch before),
  time and count: a batch means one thing, for one tenant, at one place.
- A batch is named by the SHA-256 of its header, so that the next one that names it binds all that came before.
- Sizes and counts are bounded before anything is decoded. ``UnverifiedBatch`` says that nothing was checked yet.

>>> from ostiary.keys import SigningKey
>>> key = SigningKey.generate("sensor")
>>> data = seal(key, Place("acme", "door", 1, ""), b'{"event_id":"1"}\n', time_ns=5)
>>> batch = read_batch(data)
>>> batch.header.sequence, batch.header.count, batch.signed_by(key.public), batch.whole
(1, 1, True, True)
>>> read_batch(data + b"more\n").whole
False
"""

import base64
import binascii
from typing import Annotated, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import SigningKey, VerifyingKey, sha256, sha256_hex

PAYLOAD_TYPE: Final = "application/vnd.ostiary.batch.v1+json"
MAX_BODY: Final = 16 << 20
MAX_EVENTS: Final = 100_000
MAX_HEAD: Final = 8 << 10
MAX_NUMBER: Final = 2**53
ROW: Final = 16
_NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_DIGEST: Final = r"^(sha256:[0-9a-f]{64})?$"

Name = Annotated[str, msgspec.Meta(pattern=_NAME)]
Number = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]


class IntakeSettings(msgspec.Struct, frozen=True):
    """Bounds of what is taken.

    Attributes:
        skew_s: a batch, or an event, may be so far ahead of our clock.
        max_age_s: a batch may have been signed so long ago.
        max_bytes: of the events of a batch.
        max_events: in a batch.
    """

    skew_s: int = 300
    max_age_s: int = 7 * 86_400
    max_bytes: int = MAX_BODY
    max_events: int = MAX_EVENTS


class Place(msgspec.Struct, frozen=True):
    """Where a batch stands: whose it is, and after which batch of its producer it comes.

    Attributes:
        tenant: whose events they are.
        producer: name of the registered producer.
        sequence: 1 for its first batch, one more for each.
        previous: digest of the batch before, empty for the first.
    """

    tenant: str
    producer: str
    sequence: int
    previous: str


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed of a batch.

    Attributes:
        tenant, producer, sequence, previous: as in ``Place``.
        key: thumbprint of the key that signs.
        time_ns: when it was signed.
        count: events in the body.
        body: ``sha256:…`` of the body.
        v: of this form.
    """

    tenant: Annotated[str, msgspec.Meta(max_length=63)]
    producer: Name
    sequence: Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
    previous: Annotated[str, msgspec.Meta(pattern=_DIGEST)]
    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    time_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    count: Number
    body: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: Annotated[str, msgspec.Meta(max_length=256)]
    sig: Annotated[str, msgspec.Meta(max_length=1024)]


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    payload_type: str
    payload: str
    signatures: Annotated[tuple[_Signature, ...], msgspec.Meta(max_length=1)]


class UnverifiedBatch(msgspec.Struct, frozen=True):
    """A batch as it came: well formed, and nothing more.

    Attributes:
        header: what it says of itself.
        payload: the header's bytes, which are signed.
        signature: over their PAE.
        body: the events.
    """

    header: Header
    payload: bytes
    signature: bytes
    body: bytes

    @property
    def digest(self) -> str:
        """By this the batch is named."""
        return f"sha256:{sha256_hex(self.payload)}"

    def signed_by(self, key: VerifyingKey) -> bool:
        """Return whether the owner of ``key`` signed the header, and says so in it."""
        return self.header.key == key.thumbprint() and key.verify(self.signature, _pae(self.payload))

    @property
    def whole(self) -> bool:
        """Whether the body is the one that the header names, with as many lines."""
        fits = self.header.body == f"sha256:{sha256_hex(self.body)}"
        return fits and self.header.count == self.body.count(b"\n") and self.body[-1:] in {b"", b"\n"}


def seal(key: SigningKey, place: Place, body: bytes, *, time_ns: int) -> bytes:
    """Return the signed batch of ``body``: events, each a JSON document on a line of its own.

    Raises:
        FaultyInputError: ``batch_too_large``, ``batch_malformed``.
    """
    if len(body) > MAX_BODY or body.count(b"\n") > MAX_EVENTS:
        raise FaultyInputError("batch_too_large", f"a batch has at most {MAX_EVENTS} events in {MAX_BODY} bytes")
    header = Header(
        tenant=place.tenant,
        producer=place.producer,
        sequence=place.sequence,
        previous=place.previous,
        key=key.public.thumbprint(),
        time_ns=time_ns,
        count=body.count(b"\n"),
        body=f"sha256:{sha256_hex(body)}",
    )
    payload = msgspec.json.encode(header)
    signature = _Signature(key.public.thumbprint(), base64.b64encode(key.sign(_pae(payload))).decode())
    envelope = _Envelope(PAYLOAD_TYPE, base64.b64encode(payload).decode(), (signature,))
    data = msgspec.json.encode(envelope) + b"\n" + body
    read_batch(data)  # what no reader would take is never made
    return data


def read_batch(data: bytes, *, max_body: int = MAX_BODY, max_events: int = MAX_EVENTS) -> UnverifiedBatch:
    """Return the batch in ``data``; nothing of it is verified.

    Raises:
        FaultyInputError: ``batch_too_large``, ``batch_malformed``.
        RefusedError: ``batch_unsigned``: there is no signature.
    """
    head, newline, body = data.partition(b"\n") if len(data) <= max_body + MAX_HEAD else (data, b"", b"")
    if len(data) > max_body + MAX_HEAD or len(body) > max_body or body.count(b"\n") > max_events:
        raise FaultyInputError("batch_too_large", f"a batch has at most {max_events} events in {max_body} bytes")
    envelope = _envelope(head)
    if not newline or envelope is None or not envelope.signatures:
        raise RefusedError("batch_unsigned", "these events are in no signed batch: nobody answers for them")
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
        signature = base64.b64decode(envelope.signatures[0].sig, validate=True)
        header = msgspec.json.decode(payload, type=Header)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as fault:
        raise FaultyInputError("batch_malformed", "the batch's header cannot be read") from fault
    return UnverifiedBatch(header, payload, signature, body)


def _envelope(head: bytes) -> _Envelope | None:
    """Return the envelope; ``None`` when the first line is none, an event say."""
    if len(head) > MAX_HEAD:
        return None
    try:
        found = msgspec.json.decode(head, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.payload_type == PAYLOAD_TYPE else None


def _pae(payload: bytes) -> bytes:
    """Return what DSSE signs: type and payload with their lengths, so that neither can be moved into the other."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def row_digest(line: bytes) -> bytes:
    """Return the digest by which a line of the history is known again: 16 bytes."""
    return sha256(b"ostiary.row.v1\0" + line)[:ROW]
