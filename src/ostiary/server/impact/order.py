r"""What a worker of an impact study is told, what it tells back, and how records reach it: by a pipe, no sockets.

The first frame is the order, each further one a record; an empty frame is the end. A frame is four bytes of length,
then so many bytes; a record's begin with its place in the log, eight bytes.

>>> import io
>>> pipe = io.BytesIO(frame(b"order") + frame(record_frame(7, b"{}")) + frame(b""))
>>> [bytes(found) for found in frames(pipe)]
[b'order', b'\x00\x00\x00\x00\x00\x00\x00\x07{}']
"""

from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from ostiary.decision.impact import Tally
from ostiary.errors import VerificationError

_HEAD: Final = 4
_INDEX: Final = 8
_LONGEST: Final = 64 << 20


class Source(Protocol):
    """Where frames come from."""

    def read(self, size: int, /) -> bytes:
        """Return that many bytes, fewer at the end."""
        ...


class ImpactLimits(msgspec.Struct, frozen=True):
    """What an impact study may cost.

    Attributes:
        wall_s: after so long it is given up.
        memory_bytes, cpu_s, open_files: of each worker's process.
        max_answer_bytes: a longer answer of a worker is none.
        workers: how many processes; they share the records.
    """

    wall_s: float = 900.0
    cpu_s: int = 900
    memory_bytes: int = 6 * 1024**3
    open_files: int = 64
    max_answer_bytes: int = 64 << 20
    workers: int = 2


class Order(msgspec.Struct, frozen=True):
    """What to replay.

    Attributes:
        candidate: the candidate bundle's files (base64); for a model the bundle that is in force.
        current: the files of the bundle in force.
        model: folder of a candidate model, empty when the recorded scores count.
        model_keys: the keys, as PEM by their id, that a model must be signed by.
        reuse: digests of bundles whose recorded guardrails' verdicts are the candidate's own.
        reuse_adaptive: the same of what the adaptive rules proposed, where they were told the same.
        share: whether documents that the rules cannot tell apart are asked once.
        now_ns: the time of the study, for asking whether the candidate would answer otherwise later.
    """

    candidate: dict[str, str]
    current: dict[str, str]
    limits: ImpactLimits
    model: str = ""
    model_keys: dict[str, str] = {}
    reuse: frozenset[str] = frozenset()
    reuse_adaptive: frozenset[str] = frozenset()
    share: bool = True
    now_ns: int = 0


class Finding(msgspec.Struct):
    """What one worker found.

    Attributes:
        asked: how many evaluations it took.
        mistrusted: which question's answers could not be shared after all: all of it must be done again without.
        before_us, after_us: what single decisions took of policy, in the bundle in force and in the candidate.
        later: of so many decisions asked again as of later days, how many came to something else.
        fault: why there is no finding.
    """

    tally: Tally
    asked: int = 0
    mistrusted: str = ""
    before_us: list[float] = []
    after_us: list[float] = []
    later_asked: int = 0
    later: int = 0
    fault: str = ""


def frame(data: bytes) -> bytes:
    """Return one frame."""
    return len(data).to_bytes(_HEAD, "big") + data


def record_frame(index: int, payload: bytes) -> bytes:
    """Return the content of a record's frame."""
    return index.to_bytes(_INDEX, "big") + payload


def record_of(content: bytes) -> tuple[int, bytes]:
    """Return a record's place and payload."""
    return int.from_bytes(content[:_INDEX], "big"), content[_INDEX:]


def frames(source: Source) -> Iterator[bytes]:
    """Yield frames up to the empty one.

    Raises:
        VerificationError: ``impact_frames_broken``: the pipe ended early.
    """
    while True:
        head = source.read(_HEAD)
        length = int.from_bytes(head, "big")
        content = source.read(length) if len(head) == _HEAD and length <= _LONGEST else b""
        if len(head) != _HEAD or len(content) != length:
            raise VerificationError("impact_frames_broken", "the records ended in the middle")
        if not content:
            return
        yield content
