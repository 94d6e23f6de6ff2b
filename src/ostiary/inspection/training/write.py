"""Writes a trained detector as the program reads it; ``learned/__init__.py`` says how.

- The manifest names the digest of every file; the digest of the manifest is what the program pins.
- Limits of size are the issue's: files that derive from MiniLM 25 MB together, both linear models 6 MB.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.inspection.learned.likeness import Likeness, packed
from ostiary.inspection.learned.thresholds import ChannelNumbers, EncoderFiles, LikenessNumbers, Thresholds
from ostiary.inspection.training.linear import Linear

ENCODER: Final = "encoder.onnx"
TOKENIZER: Final = "tokenizer.json"
MANIFEST: Final = "manifest.json"
THRESHOLDS: Final = "thresholds.json"
LIKENESS: Final = "likeness.f32"
CHANNELS: Final = ("user", "data")
MAX_TOKENS: Final = 256
_LARGEST_ENCODER: Final = 25_000_000
_LARGEST_LINEAR: Final = 6_000_000
_PIN: Final = (
    '"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""\n\n'
    "from typing import Final\n\n"
    'MANIFEST: Final = "{digest}"\n'
    '"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""\n'
)


def weights_name(channel: str) -> str:
    """Return the name of a channel's file of weights."""
    return f"ngram-{channel}.i16"


def write_linear(folder: Path, channel: str, model: Linear) -> None:
    """Write the weights of a channel."""
    (folder / weights_name(channel)).write_bytes(model.weights.astype("<i2").tobytes())


def read_linear(folder: Path, channel: str, numbers: ChannelNumbers) -> Linear:
    """Return the linear model of a channel as it was written."""
    weights = np.frombuffer((folder / weights_name(channel)).read_bytes(), "<i2").astype(np.int16)
    return Linear(weights, numbers.bias, numbers.scale)


def write_likeness(folder: Path, made: Likeness) -> None:
    """Write what the places of all sentences share; nothing lies there where that counts nothing."""
    if made.times:
        (folder / LIKENESS).write_bytes(packed(made))
    else:
        (folder / LIKENESS).unlink(missing_ok=True)


def likeness_numbers(made: Likeness | None) -> LikenessNumbers | None:
    """Return how much it counts, as the thresholds hold it."""
    return LikenessNumbers(LIKENESS, made.times, made.usual) if made and made.times else None


def write_thresholds(folder: Path, channels: Mapping[str, ChannelNumbers]) -> None:
    """Write the numbers of both channels."""
    encoder = EncoderFiles(ENCODER, TOKENIZER, MAX_TOKENS) if (folder / ENCODER).exists() else None
    told: dict[str, Any] = msgspec.to_builtins(Thresholds(1, dict(channels), encoder))
    (folder / THRESHOLDS).write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")


def write_manifest(folder: Path) -> str:
    """Write the manifest over what lies in the folder, and return its digest.

    Raises:
        FaultyInputError: ``weights_too_large``.
    """
    names = (ENCODER, TOKENIZER, LIKENESS, THRESHOLDS, *map(weights_name, CHANNELS))
    there = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
    _check(there)
    digests = {name: f"sha256:{sha256(data).hexdigest()}" for name, data in sorted(there.items())}
    manifest = msgspec.json.format(msgspec.json.encode({"version": 1, "files": digests})) + b"\n"
    (folder / MANIFEST).write_bytes(manifest)
    return f"sha256:{sha256(manifest).hexdigest()}"


def _check(there: Mapping[str, bytes]) -> None:
    encoder = sum(len(data) for name, data in there.items() if name in {ENCODER, TOKENIZER, LIKENESS})
    linear = sum(len(data) for name, data in there.items() if name.endswith(".i16"))
    if encoder > _LARGEST_ENCODER or linear > _LARGEST_LINEAR:
        raise FaultyInputError("weights_too_large", f"the encoder has {encoder} bytes, the linear models {linear}")


def pin(path: Path, digest: str) -> None:
    """Write the digest of the manifest into the program."""
    path.write_text(_PIN.format(digest=digest), "utf-8")
