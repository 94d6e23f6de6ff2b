"""What is kept of one person in one modality, as it is sealed: embeddings to enrol by, templates, prints, plain traits.

- No window and no event is in it. Embeddings are of one model: under another model they mean nothing, and enrolment
  begins anew.
- The anchor is frozen when a person is enrolled; the adaptive template is moved by what may teach it alone, each time
  as a version that is signed and named by the log.
- ``prints`` of the latest windows are by which a replay is known; they are no events either. Those that speak against
  the person are forgotten first, so that a thief does not push out the person's own by his.
"""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.liveness import Prints
from ostiary.biometrics.liveness.prints import Family
from ostiary.biometrics.updating import Version
from ostiary.biometrics.window import Floats, Modality
from ostiary.errors import UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

MOST_ROWS: Final = 64
MOST_PRINTS: Final = 256


class Enrolling(msgspec.Struct, frozen=True, array_like=True):
    """One window that enrols: its embedding, of which session it was, and its traits."""

    row: bytes
    session: str
    traits: dict[str, float]


class Kept(msgspec.Struct, frozen=True):
    """All of one person in one modality.

    Attributes:
        model: digest of the model that made it.
        enrolling: the windows that enrol, in their order; after enrolment they stay for what they say in words.
        line: name of the enrolment in the log, empty before.
        version: the signed version of what is in ``state``.
        state: anchor, adaptive template and what waits, as ``biometrics.updating`` packs it; empty before enrolment.
    """

    model: str
    enrolling: tuple[Enrolling, ...] = ()
    line: str = ""
    version: Version | None = None
    state: bytes = b""

    @property
    def rows(self) -> Floats:
        """The embeddings that enrol, ``[n, d]``."""
        return np.stack([np.frombuffer(one.row, "<f8") for one in self.enrolling])

    @property
    def sessions(self) -> int:
        """From how many sessions they came."""
        return len({one.session for one in self.enrolling})


class KeptFamily(msgspec.Struct, frozen=True, array_like=True):
    """Prints of one kind, and how many near ones are asked about in one place."""

    kept: bytes
    near: int


class KeptPrints(msgspec.Struct, frozen=True, array_like=True):
    """Prints of one window, and whether it speaks against its person."""

    whole: bytes
    families: dict[str, KeptFamily]
    strange: bool = False


_kept = msgspec.msgpack.Decoder(Kept)
_prints = msgspec.msgpack.Decoder(tuple[KeptPrints, ...])


def kept_of(content: bytes, model: str) -> Kept:
    """Return what was kept under this model; what another one made is as nothing.

    Raises:
        UnavailableError: ``biometrics_damaged``.
    """
    if not content:
        return Kept(model)
    try:
        kept = _kept.decode(content)
    except UNREADABLE as fault:
        raise _damaged() from fault
    return kept if kept.model == model else Kept(model)


def bytes_of(row: Floats) -> bytes:
    """Return an embedding as bytes."""
    return np.asarray(row, "<f8").tobytes()


def prints_kept(content: bytes, modality: Modality) -> tuple[list[Prints], frozenset[bytes]]:
    """Return the prints of earlier windows, and which of these speak against their person.

    Raises:
        UnavailableError: ``biometrics_damaged``.
    """
    try:
        kept = _prints.decode(content) if content else ()
        return [_opened(one, modality) for one in kept], frozenset(one.whole for one in kept if one.strange)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise _damaged() from fault


def prints_sealed(prints: Sequence[Prints], strangers: Collection[bytes] = ()) -> bytes:
    """Return the newest of them as bytes."""
    return msgspec.msgpack.encode([_closed(one, one.whole in strangers) for one in prints[-MOST_PRINTS:]])


def _closed(prints: Prints, strange: bool) -> KeptPrints:  # noqa: FBT001 - a fact
    families = {
        name: KeptFamily(one.kept.astype("<u4").tobytes(), int(one.near.shape[1]))
        for name, one in prints.families.items()
    }
    return KeptPrints(prints.whole, families, strange)


def _opened(kept: KeptPrints, modality: Modality) -> Prints:
    families = {
        name: Family(np.frombuffer(one.kept, "<u4").astype(np.uint32), np.zeros((0, one.near), np.uint32))
        for name, one in kept.families.items()
    }
    return Prints(modality, kept.whole, families)


def _damaged() -> UnavailableError:
    return UnavailableError("biometrics_damaged", "what is kept of a person's behaviour cannot be read")
