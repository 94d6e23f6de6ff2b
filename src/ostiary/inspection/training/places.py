"""Where training reads and writes: the shared texts, our own, the prose that was fetched, what is kept between steps.

- The shared folder is ``OSTIARY_SHARED``, or ``../shared`` beside the checkout.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

_CHECKOUT: Final = Path(__file__).resolve().parents[4]


class Places(msgspec.Struct, frozen=True):
    """Folders of training.

    Attributes:
        texts: the labelled sources.
        own: texts and patterns that we wrote.
        prose: fetched by the script.
        work: fitted encoders of folds, kept so that a step can be done again.
        out: the shipped weights.
        base: of the encoder, ``model.safetensors`` and ``tokenizer.json``.
        agentdojo: its unpacked package.
    """

    texts: Path
    own: Path
    prose: Path
    work: Path
    out: Path
    base: Path
    agentdojo: Path


def shared() -> Path:
    """Return the shared folder."""
    return Path(os.environ.get("OSTIARY_SHARED", _CHECKOUT.parent / "shared"))


def places(work: Path | None = None) -> Places:
    """Return the folders, with everything that was fetched or is kept below ``work``."""
    kept = work or Path(os.environ.get("OSTIARY_TRAINING", "/tmp/ostiary-training"))  # noqa: S108 - large, and the user's
    return Places(
        texts=shared() / "data" / "llm",
        own=_CHECKOUT / "training" / "inspection",
        prose=kept / "prose",
        work=kept,
        out=_CHECKOUT / "models" / "inspection",
        base=kept / "base",
        agentdojo=kept / "agentdojo",
    )


def languages() -> Path | None:
    """Return the folder of our ordinary texts by language, which belong to the tests; ``None`` outside a checkout."""
    folder = _CHECKOUT / "tests" / "data" / "benign_languages"
    return folder if folder.is_dir() else None


def pinned_module() -> Path:
    """Return the module that pins the manifest."""
    return _CHECKOUT / "src" / "ostiary" / "inspection" / "learned" / "pinned.py"
