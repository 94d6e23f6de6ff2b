"""Names of models, stages and files: plain, short, and nothing that a path, a log or a URL reads otherwise.

>>> check_name("fraud-detector"), check_path("weights/model.safetensors")
('fraud-detector', 'weights/model.safetensors')
>>> check_path("../etc/passwd")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: `../etc/passwd` is no plain path inside a model
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError

MAX_DEPTH: Final = 8
MAX_PATH: Final = 512
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z", re.ASCII)
_STAGE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z", re.ASCII)
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z", re.ASCII)


def check_name(text: str) -> str:
    """Return ``text`` when it may name a model.

    Raises:
        FaultyInputError: ``model_name_invalid``.
    """
    if not _NAME.match(text) or ".." in text:
        raise FaultyInputError("model_name_invalid", f"`{text[:80]}` is no name of a model: use a-z, 0-9, `._-`")
    return text


def check_stage(text: str) -> str:
    """Return ``text`` when it may name a stage.

    Raises:
        FaultyInputError: ``model_stage_invalid``.
    """
    if not _STAGE.match(text):
        raise FaultyInputError("model_stage_invalid", f"`{text[:80]}` is no stage: use a-z, 0-9 and hyphens")
    return text


def check_path(text: str) -> str:
    """Return ``text`` when it is a relative path of plain names.

    Raises:
        FaultyInputError: ``model_path_invalid``.
    """
    parts = text.split("/")
    if len(text) > MAX_PATH or len(parts) > MAX_DEPTH or not all(_PART.match(part) for part in parts):
        raise FaultyInputError("model_path_invalid", f"`{text[:80]}` is no plain path inside a model")
    return text


def is_digest(text: str) -> bool:
    """Return whether ``text`` is a SHA-256 with its name in front."""
    return bool(_DIGEST.match(text))
