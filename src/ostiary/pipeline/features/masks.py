"""How a column is shown to whoever may not see it whole: nothing, a constant, a keyed hash, or a coarse number.

- ``null`` and ``constant`` say nothing. ``hash`` keeps *equal* and *different*: HMAC-SHA-256 under a key of the tenant
  that never leaves the server, so that nobody else can compute it from a guess. ``bucket`` rounds down.
- A mask is applied before the engine sees the column. What cannot be masked as asked is masked as null.

>>> read_mask({"method": "bucket", "width": 10}).width
10.0
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import keyed_hash
from ostiary.pipeline.features.predicates import arrow_type

INVALID: Final = "mask_invalid"
HASH_CHARS: Final = 32
_BLOCK: Final = 64


class MaskKey:
    """A tenant's key for hashed columns; never shown."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        """Take at least 32 random bytes."""
        if not 32 <= len(secret) <= _BLOCK:  # noqa: PLR2004 - 256 bits, and one block of SHA-256
            msg = "a mask key has 32 to 64 bytes"
            raise ValueError(msg)
        self._secret = secret

    def __call__(self, data: bytes) -> bytes:
        """Return HMAC-SHA-256 of ``data``."""
        return keyed_hash(self._secret, data)

    def pads(self) -> tuple[bytes, bytes]:
        """Return inner and outer key block (RFC 2104 §2) for a database that hashes by itself; secret like the key."""
        whole = self._secret.ljust(_BLOCK, b"\0")
        return bytes(one ^ 0x36 for one in whole), bytes(one ^ 0x5C for one in whole)


Keyed = MaskKey


class Mask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way of showing a column."""

    method: Literal["bucket", "constant", "hash", "null"]
    value: bool | int | float | str | None = None
    width: Annotated[float, msgspec.Meta(ge=0)] = 0.0


def read_mask(value: object) -> Mask:
    """Return a mask from an obligation.

    Raises:
        FaultyInputError: ``mask_invalid``.
    """
    try:
        mask = msgspec.convert(value, Mask, strict=False) if isinstance(value, dict) else Mask("null")
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"the mask is malformed: {fault}") from fault
    if mask.method == "bucket" and not 0 < mask.width < float("inf"):
        raise FaultyInputError(INVALID, "a bucket has a width above nothing")
    return mask


def masked_type(mask: Mask | None, kind: str) -> str:
    """Return the type that a column has once it is masked."""
    return "string" if mask is not None and mask.method == "hash" else kind


def effective(mask: Mask, kind: str) -> Mask:
    """Return the mask that can be applied to a column of this type; what cannot is null."""
    if mask.method == "bucket" and kind not in {"float64", "int64"}:
        return Mask("null")
    if mask.method == "constant":
        number = isinstance(mask.value, int | float) and not isinstance(mask.value, bool)
        fits = {"bool": isinstance(mask.value, bool), "float64": number, "string": isinstance(mask.value, str)}
        fits["int64"] = number and isinstance(mask.value, int) and abs(int(mask.value)) < 2**63
        return mask if fits.get(kind, False) else Mask("null")
    return mask


def as_text(value: object) -> bytes:
    """Return a value as the bytes that are hashed; the same in Arrow and in PostgreSQL for whole numbers and text."""
    return str(value).encode()


def apply(mask: Mask, kind: str, column: Any, keyed: Keyed) -> Any:
    """Return an Arrow column as it is shown."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    mask = effective(mask, kind)
    if mask.method == "hash":
        return _hashed(column, keyed)
    if mask.method == "bucket":
        return _bucketed(mask.width, column, kind)
    value = mask.value if mask.method == "constant" else None
    return pa.repeat(pa.scalar(value, arrow_type(kind)), len(column))


def hash_value(value: object, keyed: Keyed) -> str:
    """Return one value, hashed."""
    return keyed(as_text(value)).hex()[:HASH_CHARS]


def _hashed(column: Any, keyed: Keyed) -> Any:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    # Each different value is hashed once: tables repeat themselves.
    unique = pc.unique(column)
    shown = pa.array([None if v is None else hash_value(v, keyed) for v in unique.to_pylist()], pa.string())
    return shown.take(pc.index_in(column, value_set=unique))


def _bucketed(width: float, column: Any, kind: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    floors = pc.multiply(pc.floor(pc.divide(column.cast(pa.float64(), safe=False), width)), width)
    return floors.cast(arrow_type(kind), safe=False)
