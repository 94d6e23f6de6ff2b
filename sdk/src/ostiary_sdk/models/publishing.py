"""Bringing models in and making them live, from a CI job: the other side of the registry's door.

    registered = register_model("fraud", "out/fraud", documents, url=URL, tenant="acme", tokens=trainer)
    promote_model("fraud", registered["version"], stage="production", report=…, approval=…, url=URL, …)

- A token for one does not do the other: `model.register` is the trainer's, `model.promote` the release manager's.
- Files are streamed; a link, or anything else that is no regular file, is an error here already.
"""

import contextlib
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ostiary_sdk.models.door import DoorSettings, LoadError, ModelDoor, Proves

DOCUMENTS: Final = ("signature", "release", "provenance")
_OWN: Final = frozenset({"model.sig", "release.sig"})
_PIECE: Final = 1 << 20
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def register_model(
    name: str,
    folder: str | Path,
    documents: Mapping[str, bytes],
    *,
    url: str,
    tenant: str,
    tokens: Proves,
    dry: bool = False,
    settings: DoorSettings | None = None,
) -> dict[str, Any]:
    """Upload a signed folder and let it become a version; return what the registry tells of it.

    Args:
        name: of the model.
        folder: the files; ``model.sig`` and ``release.sig`` in it are not files of the model.
        documents: ``signature`` (by default ``model.sig`` of the folder), ``provenance``, and a ``release`` if any.
        url: the server's public address.
        tenant: whose model.
        tokens: proves the caller; its token must be for this model and ``model.register``.
        dry: only check; the upload is erased afterwards.
        settings: times and bounds.

    Raises:
        LoadError: it is not registered; ``code`` says why.
    """
    root = Path(folder)
    told = {"signature": _signature(root), **documents}
    with contextlib.closing(ModelDoor(url, tenant, tokens, settings)) as door:
        upload = door.call("POST", name, "uploads")["upload"]
        try:
            for path in _files(root):
                place = f"uploads/{upload}/files/{path.relative_to(root).as_posix()}"
                door.call("PUT", name, place, content=_pieces(path), kind="application/octet-stream")
            body = {one: b64encode(told[one]).decode() for one in DOCUMENTS if told.get(one)}
            found = door.call(
                "POST", name, f"uploads/{upload}/register", content=msgspec.json.encode({**body, "dry": dry})
            )
        except BaseException:
            with contextlib.suppress(LoadError):  # it ended with the refusal, or will be swept
                door.call("DELETE", name, f"uploads/{upload}")
            raise
        if dry:
            door.call("DELETE", name, f"uploads/{upload}")
    return found


def promote_model(
    name: str,
    version: int,
    *,
    stage: str,
    report: bytes,
    approval: bytes,
    url: str,
    tenant: str,
    tokens: Proves,
    action: Literal["promote", "rollback"] = "promote",
    dry: bool = False,
    settings: DoorSettings | None = None,
) -> dict[str, Any]:
    """Make a version live in a stage; return what is live.

    Raises:
        LoadError: it is not; ``code`` says why.
    """
    body = {
        "version": version,
        "stage": stage,
        "action": action,
        "report": b64encode(report).decode(),
        "approval": b64encode(approval).decode(),
        "dry": dry,
    }
    with contextlib.closing(ModelDoor(url, tenant, tokens, settings)) as door:
        return door.call("POST", name, "promote", content=msgspec.json.encode(body))


def wanted_approval(
    name: str,
    version: int,
    *,
    stage: str,
    report: bytes,
    url: str,
    tenant: str,
    tokens: Proves,
    action: Literal["promote", "rollback"] = "promote",
    settings: DoorSettings | None = None,
) -> dict[str, Any]:
    """Return what an approval must say: the file that ``ostiary model approve --wanted`` reads.

    Raises:
        LoadError: the registry refuses.
    """
    body = {"version": version, "stage": stage, "action": action, "report": b64encode(report).decode()}
    with contextlib.closing(ModelDoor(url, tenant, tokens, settings)) as door:
        return door.call("POST", name, "wanted", content=msgspec.json.encode(body))


def _signature(root: Path) -> bytes:
    try:
        return (root / "model.sig").read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise LoadError("folder_unusable", f"`{root}` cannot be read: {fault.strerror}") from fault


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise LoadError("folder_unusable", f"`{root}` is no folder")
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise LoadError("folder_unusable", f"`{path}` is a link or no regular file")
        if path.is_file() and path.relative_to(root).as_posix() not in _OWN:
            yield path


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as fault:
        raise LoadError("folder_unusable", f"`{path}` cannot be read: {fault.strerror}") from fault
