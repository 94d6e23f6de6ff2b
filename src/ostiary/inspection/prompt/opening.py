"""Opens the inspector of prompts over the shipped weights; what is missing leaves the rules alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from ostiary.artifacts.shipped import models_dir
from ostiary.errors import UnavailableError
from ostiary.inspection.learned.files import LearnedFiles, unavailable
from ostiary.inspection.learned.pinned import MANIFEST
from ostiary.inspection.prompt.cascade import Cascade

if TYPE_CHECKING:
    from ostiary.inspection.learned.judging import Detector


def open_prompt_inspector(
    folder: Path | None = None, pinned: str = MANIFEST, *, threads: int = 1, encoder: bool = True, remembered: int = 0
) -> Cascade:
    """Return the inspector.

    Args:
        folder: of the weights; by default the shipped one.
        pinned: digest of its manifest.
        threads: how many the encoder may use for one text.
        encoder: whether it may be asked at all.
        remembered: how many texts of data it may remember. None where several tenants ask: the time that an answer
            takes would tell one of them what another has. Who asks for tenants remembers by tenant and
            ``Cascade.version``.
    """
    try:
        files = LearnedFiles(folder or models_dir() / "inspection", pinned)
        return Cascade(
            _detectors(files, threads, remembered, encoder=encoder), digest=files.digest, remembered=remembered
        )
    except UnavailableError as fault:
        return Cascade({}, missing=fault.message)


def _detectors(files: LearnedFiles, threads: int, remembered: int, *, encoder: bool) -> dict[str, "Detector"]:
    try:
        from ostiary.inspection.learned.judging import open_detectors  # noqa: PLC0415 - needs an extra
    except ImportError as fault:
        raise unavailable(f"`{fault.name}` is not installed: run `pip install 'ostiary[gateway]'`") from fault
    return open_detectors(files, threads=threads, encoder=encoder, remembered=remembered)
