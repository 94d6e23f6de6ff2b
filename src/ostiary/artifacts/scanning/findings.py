"""What a scan says of a file.

The ids are MITRE ATLAS techniques (https://atlas.mitre.org) and OWASP's lists for machine learning and for LLMs:

- AML.T0010.003 ML supply chain compromise: model · AML.T0011.000 user execution: unsafe ML artifacts ·
  AML.T0018.002 manipulate AI model: embed malware · AML.T0029 denial of AI service
- ML06:2023 AI supply chain attacks · LLM03:2025 supply chain
"""

from typing import Final, Literal

import msgspec

from ostiary.artifacts.formats import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.pickles.opcodes import PickleLimits

Verdict = Literal["safe", "quarantined", "refused"]
_ORDER: Final[tuple[Verdict, ...]] = ("safe", "quarantined", "refused")
_SUPPLY: Final = ("AML.T0010.003", "ML06:2023", "LLM03:2025")
_RUNS: Final = ("AML.T0010.003", "AML.T0011.000", "AML.T0018.002", "ML06:2023", "LLM03:2025")
_BOMB: Final = ("AML.T0010.003", "AML.T0029", "ML06:2023", "LLM03:2025")
_THREATS: Final[dict[str, tuple[str, ...]]] = {
    "archive_bomb": _BOMB,
    "archive_encrypted": _RUNS,
    "array_objects": _RUNS,
    "file_too_large": _BOMB,
    "format_archive": _RUNS,
    "format_companion_code": _RUNS,
    "format_foreign": _RUNS,
    "format_json_deep": _BOMB,
    "format_onnx_custom_operator": _RUNS,
    "format_onnx_external": _RUNS,
    "format_overflow": _BOMB,
    "format_pickle": _RUNS,
    "format_too_large": _BOMB,
    "pickle_call": _RUNS,
    "pickle_import": _RUNS,
    "pickle_opcode": _RUNS,
    "pickle_persistent": _RUNS,
    "pickle_state": _RUNS,
}


class ScanLimits(msgspec.Struct, frozen=True):
    """Bounds on one scan.

    Attributes:
        max_file_bytes: length of a file; longer ones are refused unread.
        max_files: files below the paths that are asked for.
        max_members: members of one archive.
        max_directory_bytes: length of an archive's directory.
        max_unpacked_bytes: length of all members of a file together, unpacked.
        max_ratio: how much longer a member may be than it is packed.
        max_nesting: archives inside each other.
        max_findings: findings of one file that are told.
        formats: bounds of the parsers of allowed formats.
        pickles: bounds of following a pickle.
    """

    max_file_bytes: int = 64 * 1024 * 1024 * 1024
    max_files: int = 100_000
    max_members: int = 4_096
    max_directory_bytes: int = 1024 * 1024
    max_unpacked_bytes: int = 256 * 1024 * 1024
    max_ratio: int = 200
    max_nesting: int = 3
    max_findings: int = 64
    formats: FormatLimits = DEFAULT_LIMITS
    pickles: PickleLimits = PickleLimits()


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason.

    Attributes:
        code: stable, ``pickle_…``, ``archive_…``, ``array_…``, ``file_…`` or ``format_…``.
        message: one sentence for a person; what the file says is shortened and printable.
        position: byte in the file, or in the member.
        member: the archive's member, ``outer!inner`` when archives are inside each other.
        threats: ATLAS and OWASP ids.
    """

    code: str
    message: str
    position: int = 0
    member: str = ""
    threats: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """What a scan says of one file.

    Attributes:
        file: as it was asked for.
        verdict: ``safe``, ``quarantined`` or ``refused``.
        format: what it is: ``safetensors``, ``onnx``, …, ``pickle``, ``zip``, ``npy``, or nothing.
        findings: why.
        imports: allowed names that a quarantined pickle imports.
        bytes: its length.
        sha256: of its content; empty when it was not read.
    """

    file: str
    verdict: Verdict
    format: str
    findings: tuple[Finding, ...] = ()
    imports: tuple[str, ...] = ()
    bytes: int = 0
    sha256: str = ""


def finding(code: str, message: str, position: int = 0) -> Finding:
    """Return a finding with the ids of its code."""
    return Finding(code, message, position, threats=_THREATS.get(code, _SUPPLY))


def worst(verdicts: "list[Verdict]") -> Verdict:
    """Return the strictest of some verdicts; of none it is ``refused``, for nothing was looked at."""
    return max(verdicts, key=_ORDER.index, default="refused")
