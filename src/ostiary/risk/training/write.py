"""Puts a trained model where it belongs: written beside its place, signed, then swapped in.

- A folder is replaced only when it is empty or holds an older model: nobody's other files are swept away.
- A reader sees the old model or the new one; in between, for an instant, none, which is "no model", never half of one.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ostiary.artifacts import MANIFEST_NAME, ArtifactPredicate, Signer, sign_artifact, write_file
from ostiary.errors import RefusedError
from ostiary.risk.schema import KIND
from ostiary.risk.training.train import Trained
from ostiary.signals.features import SET_DIGEST

PRODUCER = "ostiary risk train"


def write_model(trained: Trained, folder: Path, key: Signer, *, created_ns: int, tenant: str = "") -> str:
    """Write and sign ``trained`` at ``folder``; return the artefact's digest.

    Raises:
        RefusedError: ``folder_in_use``.
    """
    predicate = ArtifactPredicate(
        kind=KIND, created_ns=created_ns, producer=PRODUCER, feature_set=SET_DIGEST, tenant=tenant
    )
    return write_signed(trained.files, folder, key, predicate)


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
