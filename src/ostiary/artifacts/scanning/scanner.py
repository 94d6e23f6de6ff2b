"""Looks at one file's bytes and says ``safe``, ``quarantined`` or ``refused``.

1. A file of an allowed format by name and content is safe.
2. Else the content decides what it is: a zip archive (each member is a file of its own), a NumPy array, a pickle.
3. Whatever is none of these, or cannot be followed to its end, is refused.
"""

import hashlib
import re
from typing import Final

from ostiary.artifacts.formats import Misfit, format_of, judge
from ostiary.artifacts.formats.content import foreign
from ostiary.artifacts.pickles import Walk, walk
from ostiary.artifacts.scanning.arrays import MAGIC, check_array
from ostiary.artifacts.scanning.findings import Finding, Report, ScanLimits, Verdict, finding, worst
from ostiary.artifacts.scanning.zipped import members

_PICKLE_NAMES: Final = re.compile(r"(?i).*\.(?:pkl|pickle|p|pt|pth|bin|ckpt|joblib|sav|dat|data|model)\Z")
_ZIP: Final = b"PK\x03\x04"
_MAX_STREAMS: Final = 16
_TORCH_RAW: Final = re.compile(r"([^/]+)/data/[0-9]+")
_TORCH_TEXTS: Final = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
_SHORT: Final = 256
# torch.save before 1.6: five pickles, the first two of them these numbers, then the raw storages.
_TORCH_LEGACY: Final = (str(0x1950A86A20F9469CFC6C), "1001")
_TORCH_STREAMS: Final = 5


class _Seen:
    """What is known of a file so far."""

    def __init__(self, limits: ScanLimits) -> None:
        self.limits = limits
        self.findings: list[Finding] = []
        self.imports: dict[str, None] = {}
        self.unpacked = 0

    def refuse(self, code: str, message: str, position: int = 0, member: str = "") -> Verdict:
        if len(self.findings) < self.limits.max_findings:
            told = finding(code, message, position)
            self.findings.append(Finding(code, message, position, member, told.threats))
        return "refused"


def scan_bytes(name: str, data: "bytes | memoryview", limits: ScanLimits | None = None) -> Report:
    """Return what ``data``, a file of this ``name``, is.

    Nothing in it is run, imported or built; work is bounded by its length and by ``limits``.
    """
    seen = _Seen(limits or ScanLimits())
    view = memoryview(data)
    if len(view) > seen.limits.max_file_bytes:
        seen.refuse("file_too_large", f"it has {len(view)} bytes, {seen.limits.max_file_bytes} are allowed")
        return Report(name, "refused", "", tuple(seen.findings), bytes=len(view))
    verdict, kind = _judge(name.rpartition("/")[2], view, "", 0, seen)
    digest = hashlib.sha256(view).hexdigest()
    return Report(name, verdict, kind, tuple(seen.findings), tuple(seen.imports), len(view), digest)


def _judge(name: str, data: memoryview, member: str, nesting: int, seen: _Seen) -> tuple[Verdict, str]:
    fault: Misfit | None = None
    if format_of(name):
        try:
            return "safe", judge(name, data, seen.limits.formats)
        except Misfit as misfit:
            fault = misfit
            seen.refuse(misfit.reason, misfit.text, 0, member)
    verdict, kind = _by_content(name, data, member, nesting, seen)
    return ("refused" if fault else verdict), kind


def _by_content(name: str, data: memoryview, member: str, nesting: int, seen: _Seen) -> tuple[Verdict, str]:
    if bytes(data[:4]) == _ZIP:
        return _archive(data, member, nesting, seen), "zip"
    if bytes(data[:6]) == MAGIC:
        return _array(data, member, seen), "npy"
    found = foreign(data)
    if found:
        return seen.refuse(
            "format_archive" if "archive" in found else "format_foreign", f"it holds a {found}", 0, member
        ), ""
    first = walk(data, 0, seen.limits.pickles)
    if first.stopped or first.modules or _PICKLE_NAMES.match(name) or bytes(data[:1]) == b"\x80":
        return _pickles(data, first, member, seen), "pickle"
    if not seen.findings:
        seen.refuse("format_not_allowed", "it is of no format that is known", 0, member)
    return "refused", ""


def _array(data: memoryview, member: str, seen: _Seen) -> Verdict:
    try:
        check_array(data)
    except Misfit as misfit:
        return seen.refuse(misfit.reason, misfit.text, 0, member)
    return "quarantined"


def _pickles(data: memoryview, first: Walk, member: str, seen: _Seen) -> Verdict:
    """Judge one pickle, or several that follow one another; the last byte must be the last one's STOP."""
    verdict: Verdict = "quarantined"
    results: list[str | None] = []
    walked = first
    for _ in range(_MAX_STREAMS):
        verdict = worst([verdict, _one_pickle(walked, member, seen)])
        results.append(walked.result)
        if verdict == "refused" or walked.end == len(data):
            return verdict
        if len(results) == _TORCH_STREAMS and tuple(results[:2]) == _TORCH_LEGACY:
            return verdict  # what follows is the raw numbers that torch reads by length
        walked = walk(data, walked.end, seen.limits.pickles)
    return seen.refuse("pickle_malformed", "more pickles follow one another than are allowed", walked.end, member)


def _one_pickle(walked: Walk, member: str, seen: _Seen) -> Verdict:
    seen.imports.update(dict.fromkeys(walked.names))
    for event in walked.events:
        seen.refuse(f"pickle_{event.kind}", event.text, event.position, member)
    if not walked.stopped and not walked.events:
        seen.refuse("pickle_malformed", "it cannot be followed to its end", walked.end, member)
    return "refused" if walked.events or not walked.stopped else "quarantined"


def _archive(data: memoryview, member: str, nesting: int, seen: _Seen) -> Verdict:
    if nesting >= seen.limits.max_nesting:
        return seen.refuse("archive_bomb", "archives are inside each other too deep", 0, member)
    verdicts: list[Verdict] = ["quarantined"]
    try:
        for name, content in members(data, seen.limits):
            seen.unpacked += len(content)
            if seen.unpacked > seen.limits.max_unpacked_bytes:
                return seen.refuse("archive_bomb", "its members are longer than is allowed", 0, member)
            verdicts.append(_member(name, memoryview(content), f"{member}!{name}" if member else name, nesting, seen))
    except Misfit as misfit:
        return seen.refuse(misfit.reason, misfit.text, 0, member)
    return worst(verdicts)


def _member(name: str, data: memoryview, path: str, nesting: int, seen: _Seen) -> Verdict:
    raw = _TORCH_RAW.fullmatch(name)
    if raw and not foreign(data) and not walk(data, 0, seen.limits.pickles).modules:
        return "quarantined"  # numbers of a torch tensor: read by length, never as a pickle
    told = name.partition("/")[2] in _TORCH_TEXTS and len(data) <= _SHORT and bytes(data).isascii()
    if told and not walk(data, 0, seen.limits.pickles).modules:
        return "quarantined"
    return _judge(name.rpartition("/")[2], data, path, nesting + 1, seen)[0]
