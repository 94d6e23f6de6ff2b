"""Converts a quarantined file; the sandbox is the training room's, handed in by whoever wires it."""

import hashlib
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.artifacts.formats import check_format, format_of
from ostiary.artifacts.scanning import Report, ScanLimits, scan_bytes
from ostiary.errors import FaultyInputError, RefusedError

PROGRAM: Final = Path(__file__).with_name("program.py")
TARGETS: Final = frozenset({"safetensors", "lightgbm"})


class ConversionSandbox(Protocol):
    """Runs one program over one file, apart from everything."""

    def run(self, program: bytes, source: bytes, target: str, max_bytes: int) -> bytes:
        """Run ``program`` and return what it wrote.

        Args:
            program: text of a Python program that needs the standard library only; its arguments are two paths.
            source: content of the file at the first path.
            target: name of the file at the second path, which the program writes.
            max_bytes: most that it may write.

        Raises:
            RefusedError: the program ended with a fault, took too long or wrote too much.
            UnavailableError: there is no sandbox, or it did not hold its own probes.
        """
        ...


class Converted(msgspec.Struct, frozen=True):
    """What came out.

    Attributes:
        name: of the new file; its ending says the format.
        data: its content, which is what its ending says.
        source_sha256, sha256: of what went in and came out, for the record.
        report: what the scan said of what went in.
    """

    name: str
    data: bytes
    source_sha256: str
    sha256: str
    report: Report


def convert(
    name: str, data: bytes, target: str, sandbox: ConversionSandbox, limits: ScanLimits | None = None
) -> Converted:
    """Convert ``data``, a file of this ``name``, to ``target`` (``model.safetensors``, ``model.txt``).

    Raises:
        RefusedError: ``conversion_refused``: the scan refused it, or the sandbox did.
        VerificationError: ``artifact_format_refused``: what came out is not what it should be.
        FaultyInputError: ``conversion_needless``, ``conversion_target``.
        UnavailableError: there is no sandbox.
    """
    bounds = limits or ScanLimits()
    if format_of(target) not in TARGETS or "/" in target:
        raise FaultyInputError("conversion_target", "convert to a `.safetensors` file or to LightGBM's own `.txt`")
    report = scan_bytes(name, data, bounds)
    if report.verdict == "safe":
        raise FaultyInputError("conversion_needless", "the file is of an allowed format already")
    if report.verdict == "refused":
        codes = [finding.code for finding in report.findings]
        raise RefusedError("conversion_refused", "a file that the scan refuses is not converted", codes)
    made = sandbox.run(PROGRAM.read_bytes(), data, target, bounds.max_unpacked_bytes)
    check_format(target, made, bounds.formats)
    return Converted(target, made, report.sha256, hashlib.sha256(made).hexdigest(), report)
