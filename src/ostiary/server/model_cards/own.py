"""Ostiary's own models as they lie on disk: verified, with their card, their figures, and how to make what is missing.

1. A model is told as verified only when its signature was checked just now, against the keys that its loader believes.
2. Nothing is measured here. What no file and no kept report holds is absent, with the command that makes it.
3. Reading a folder is remembered by the times and sizes of its files: a page asks often, files change seldom.
"""

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.artifacts import VerifiedArtifact, verify_artifact
from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import VerifyingKey, sha256_hex
from ostiary.server.model_cards.figures import Kept, figures_of
from ostiary.server.model_cards.shadowed import shadowed
from ostiary.server.scoring import trusted_model_keys
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

ACCESS: Final = "access-risk"
SESSION: Final = "session-risk"
_BEHAVIOUR: Final = ("keystroke", "pointer", "sequence", "keystroke-features")
_RISK_KIND: Final = "access-risk-model"
_CARD: Final = "card.json"
_TEXT: Final = "card.md"
_PICTURE: Final = "det.png"
_MOST_PICTURE: Final = 512 * 1024
_REMEMBERED: Final = 64
UNKNOWN: Final = "model_unknown"


class OwnModel(msgspec.Struct, frozen=True):
    """One of Ostiary's own models.

    Attributes:
        name: how pages and the API call it.
        about: what it judges, in words.
        whose: ``own``, ``configured`` or ``shipped``; empty when there is none.
        state: ``verified``, ``absent``, or the code of what is wrong with it.
        digest: of its signed statement.
        created_ns, producer: as signed.
        make: the command that makes it.
        measure: the command that keeps its figures.
    """

    name: str
    about: str
    whose: str
    state: str
    make: str
    measure: str
    digest: str = ""
    created_ns: int = 0
    producer: str = ""


class OwnCard(msgspec.Struct, frozen=True):
    """One model with everything that is stored of it.

    Attributes:
        model: see there.
        card: the card as Markdown, as it was signed; empty without one.
        told: the card for programs, as it was signed.
        picture: the DET picture in the folder, PNG as base64; empty without one.
        figures: kept curves; ``None`` when nobody measured this very model here.
        shadow: curves of the newest shadow reports about this very model; ``None`` without one.
    """

    model: OwnModel
    card: str
    told: dict[str, Any]
    picture: str
    figures: Kept | None
    shadow: Kept | None


class _Opened(msgspec.Struct, frozen=True):
    """What a folder said when it was verified: its small files, not its weights."""

    state: str
    digest: str = ""
    created_ns: int = 0
    producer: str = ""
    files: Mapping[str, bytes] = {}


_read: dict[tuple[str, str, str, tuple[tuple[str, int, int], ...]], _Opened] = {}
_lock = threading.Lock()
_NOTHING: Final = _Opened("absent")


def own_models(house: House, tenant: str) -> list[OwnModel]:
    """Return all of them, those that are not there, too."""
    return [_told(house, tenant, name)[0] for name in (ACCESS, SESSION, *(f"biometrics-{one}" for one in _BEHAVIOUR))]


def own_model(house: House, tenant: str, name: str) -> OwnCard:
    """Return one with all that is stored of it.

    Raises:
        RefusedError: ``model_unknown``.
    """
    model, opened = _told(house, tenant, name)
    files = opened.files
    picture = files.get(_PICTURE, b"")
    return OwnCard(
        model=model,
        card=files.get(_TEXT, b"").decode("utf-8", "replace"),
        told=_document(files.get(_CARD, b"{}")),
        picture=base64.b64encode(picture).decode() if 0 < len(picture) <= _MOST_PICTURE else "",
        figures=figures_of(house.reports, tenant, model.digest) if model.digest else None,
        shadow=shadowed(house.reports, tenant, model.digest) if model.digest and name == ACCESS else None,
    )


def _told(house: House, tenant: str, name: str) -> tuple[OwnModel, _Opened]:
    if name in {ACCESS, SESSION}:
        return _risk(house, tenant, name)
    modality = name.removeprefix("biometrics-")
    if name == modality or modality not in _BEHAVIOUR:
        raise RefusedError(UNKNOWN, "there is no such model")
    return _behaviour(house, tenant, modality)


def _risk(house: House, tenant: str, name: str) -> tuple[OwnModel, _Opened]:
    about = {ACCESS: "how unusual one access is", SESSION: "how unusual a session has become, access by access"}[name]
    source = house.scorers.source(tenant)
    bare = OwnModel(
        name,
        about,
        "",
        "absent",
        "ostiary risk train --events FILE",
        "ostiary risk evaluate --events FILE --labels CSV --keep",
    )
    if source is None:
        return bare, _NOTHING
    keys = trusted_model_keys(house.places, house.ring, tenant)
    opened = _remembered(tenant, source, keys, lambda: verify_artifact(source, keys, kind=_RISK_KIND))
    return _filled(bare, "own" if source == house.places.model(tenant) else "configured", opened), opened


def _behaviour(house: House, tenant: str, modality: str) -> tuple[OwnModel, _Opened]:
    bare = OwnModel(
        f"biometrics-{modality}",
        f"whether {_ABOUT[modality]} is like the enrolled person's",
        "",
        "absent",
        f"ostiary biometrics train --modality {modality} --data DIR --out MODEL",
        f"ostiary biometrics evaluate --modality {modality} --data DIR --model MODEL --keep",
    )
    own = house.places.root / "biometrics" / tenant / modality
    if own.is_dir():
        keys = trusted_model_keys(house.places, house.ring, tenant)
        opened = _remembered(tenant, own, keys, lambda: verify_artifact(own, keys))
        return _filled(bare, "own", opened), opened
    return _shipped(bare, modality)


_ABOUT: Final = {
    "keystroke": "typing",
    "pointer": "the way of the pointer",
    "sequence": "the order of what is done",
    "keystroke-features": "typing, by features that an application sends",
}


def _shipped(bare: OwnModel, modality: str) -> tuple[OwnModel, _Opened]:
    try:
        from ostiary.biometrics.shipped import shipped_artifact, shipped_folder, shipped_pins  # noqa: PLC0415 - an extra
        from ostiary.biometrics.window import Modality  # noqa: PLC0415
    except ImportError:
        return msgspec.structs.replace(bare, state="biometrics_extra_missing"), _NOTHING
    kind = Modality(modality)
    if kind not in shipped_pins():
        return bare, _NOTHING
    opened = _remembered("", shipped_folder(kind), (), lambda: shipped_artifact(kind))
    return _filled(bare, "shipped", opened), opened


def _filled(bare: OwnModel, whose: str, opened: _Opened) -> OwnModel:
    return msgspec.structs.replace(
        bare,
        whose=whose,
        state=opened.state,
        digest=opened.digest,
        created_ns=opened.created_ns,
        producer=opened.producer,
    )


def _remembered(
    tenant: str, folder: Path, keys: Iterable[VerifyingKey], verify: Callable[[], VerifiedArtifact]
) -> _Opened:
    """Return what a folder says; whom it is believed of is part of what is remembered."""
    try:
        files = [(one.name, one.stat()) for one in sorted(folder.iterdir()) if one.is_file()]
    except OSError:
        return _Opened("artifact_unreadable")
    stamp = tuple((name, told.st_mtime_ns, told.st_size) for name, told in files)
    key = (tenant, str(folder), sha256_hex(b"".join(one.pem() for one in keys)), stamp)
    with _lock:
        if key not in _read:
            if len(_read) >= _REMEMBERED:
                _read.clear()
            _read[key] = _opened(verify)
        return _read[key]


def _opened(verify: Callable[[], VerifiedArtifact]) -> _Opened:
    try:
        found = verify()
    except OstiaryError as fault:
        return _Opened(fault.code)
    kept = {name: data for name, data in found.files.items() if name in {_CARD, _TEXT, _PICTURE}}
    return _Opened("verified", found.digest, found.predicate.created_ns, found.predicate.producer, kept)


def _document(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except UNREADABLE:  # it was signed so; the card for people is shown all the same
        return {}
