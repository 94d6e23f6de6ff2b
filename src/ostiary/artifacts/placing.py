"""Puts a model where it belongs: written beside its place, signed, then swapped in.

- A folder is replaced only when it is empty or holds an older model: nobody's other files are swept away.
- A reader sees the old model or the new one; in between, for an instant, none, which is "no model", never half of one.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ostiary.artifacts.ports import Signer
from ostiary.artifacts.signing import sign_artifact, write_file
from ostiary.artifacts.statement import MANIFEST_NAME, ArtifactPredicate
from ostiary.errors import RefusedError


def write_signed(files: Mapping[str, bytes], folder: Path, key: Signer, predicate: ArtifactPredicate) -> str:
    """Write and sign ``files`` at ``folder``, whatever kind of model they are; return the artefact's digest.

    Raises:
        RefusedError: ``folder_in_use``.
    """
    check_place(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        fresh, old = Path(beside, "new"), Path(beside, "old")
        fresh.mkdir()
        for name, data in files.items():
            write_file(fresh / name, data)
        digest = sign_artifact(fresh, key, predicate)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return digest


def check_place(folder: Path) -> None:
    """Refuse a folder that holds something else than a model.

    Raises:
        RefusedError: ``folder_in_use``.
    """
    if not folder.exists() or (folder.is_dir() and ((folder / MANIFEST_NAME).exists() or not any(folder.iterdir()))):
        return
    raise RefusedError("folder_in_use", f"`{folder}` holds something that is no model: name another place")
