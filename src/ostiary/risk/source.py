"""Where a history came from, as the data manifest tells it."""

import msgspec


class Producer(msgspec.Struct, frozen=True):
    """What one registered producer has in a source."""

    producer: str
    rows: int
    batches: int


class Source(msgspec.Struct, frozen=True):
    """One source of the history: where it came from, its digest, what it held and how it was read.

    Attributes:
        origin: who gave it.
        sha256: of the file's own bytes.
        events: how many were read.
        rejected: how many records were not.
        first_ns: time of the first event.
        last_ns: time of the last event.
        mapping: name of the format or mapping that it was read with.
        mapping_digest: of the mapping's text; empty for an adapter, which is code of the version that the card names.
        provenance: who answers for where the rows came from, in words.
        producers: what each registered producer has in it.
        batches: digest over the digests of all signed batches that it rests on.
    """

    origin: str
    sha256: str
    events: int
    rejected: int = 0
    first_ns: int = 0
    last_ns: int = 0
    mapping: str = ""
    mapping_digest: str = ""
    provenance: str = ""
    producers: tuple[Producer, ...] = ()
    batches: str = ""
