"""The bundle in force as people read it: its files, its rules with their lines, and what was in force before.

What is read lies in the folder that the engine was made from. Where somebody changed it since, ``in_force`` is false:
then the text is not what decides, and whoever shows it must say so.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.policy.rulebook import RuleWords
from ostiary.server.drafts.loading import load_bundle
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

UNKNOWN: Final = "policy_file_unknown"
RELOAD: Final = "bundle.reload"
MOST_TEXT: Final = 262_144
_WINDOW: Final = 200_000
_MOST_DEEDS: Final = 20_000
_MOST_VERSIONS: Final = 100
Kind = Literal["rego", "test", "data", "other"]


class File(msgspec.Struct, frozen=True):
    """One file of a bundle; ``rules`` counts those that it holds."""

    path: str
    kind: Kind
    size: int
    rules: int


class Version(msgspec.Struct, frozen=True):
    """One time that a bundle was put in force: the record that says so, by whom, and by whose agreement."""

    record: str
    at_ns: int
    by: str
    digest: str
    source: str
    proposal: str


class _Deed(msgspec.Struct, frozen=True):
    action: str = ""
    by: str = ""
    digest: str = ""
    source: str = ""
    proposal: str = ""


_deed = msgspec.json.Decoder(_Deed).decode


def bundle_here(house: House, tenant: str) -> tuple[Bundle, bool]:
    """Return the bundle as it lies there, and whether it is the one in force.

    Raises:
        FaultyInputError: ``bundle_…``.
        UnavailableError: ``bundle_unreadable``.
    """
    bundle = load_bundle(house.policies.source(tenant))
    return bundle, bundle.digest == house.policies.load(tenant).digest


def files_of(bundle: Bundle, rules: Mapping[str, RuleWords]) -> list[File]:
    """Return the files of a bundle by their paths."""
    counts: dict[str, int] = {}
    for words in rules.values():
        counts[words.file] = counts.get(words.file, 0) + 1
    return [File(path, kind_of(path), len(data), counts.get(path, 0)) for path, data in bundle.files.items()]


def kind_of(path: str) -> Kind:
    """Return what a file of a bundle is.

    >>> kind_of("a/b_test.rego"), kind_of("a/data.yaml"), kind_of(".manifest")
    ('test', 'data', 'other')
    """
    if path.endswith("_test.rego"):
        return "test"
    if path.endswith(".rego"):
        return "rego"
    return "data" if path.rpartition("/")[2] in {"data.yaml", "data.json"} else "other"


def text_of(bundle: Bundle, path: str) -> str:
    """Return the text of a file.

    Raises:
        RefusedError: ``policy_file_unknown``.
    """
    data = bundle.files.get(path)
    if data is None:
        raise RefusedError(UNKNOWN, "there is no such file in the bundle")
    return data[:MOST_TEXT].decode(errors="replace")


def rules_of(house: House, tenant: str) -> list[dict[str, Any]]:
    """Return every annotated rule of the bundle in force, in the order of their files and lines."""
    words = house.policies.load(tenant).bundle.rules.values()
    return [
        {
            "rule": one.rule,
            "title": one.title,
            "effect": one.effect.name if one.effect is not None else "",
            "explanation": one.explanation,
            "remediation": one.remediation,
            "file": one.file,
            "line": one.line,
        }
        for one in sorted(words, key=lambda one: (one.file, one.line))
    ]


def versions_of(house: House, tenant: str) -> list[Version]:
    """Return when which bundle was put in force, newest first, as the newest part of the log tells it."""
    found: list[Version] = []
    since = max(0, house.log.head().size - _WINDOW)
    for _, stored in zip(range(_MOST_DEEDS), house.log.iterate(tenant, "admin", since), strict=False):
        deed = _Deed() if stored.payload is None else _read(stored.payload)
        if deed.action == RELOAD:
            version = Version(stored.record_id, stored.time_ns, deed.by, deed.digest, deed.source, deed.proposal)
            found.append(version)
    return found[: -_MOST_VERSIONS - 1 : -1]


def _read(payload: bytes) -> _Deed:
    """Return what is read of a deed; one whose members have other types is about something else."""
    try:
        return _deed(payload)
    except UNREADABLE:
        return _Deed()
