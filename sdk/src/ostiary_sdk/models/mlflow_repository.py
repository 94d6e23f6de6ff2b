"""MLflow's plugin: ``mlflow.pyfunc.load_model("ostiary:/fraud/production")`` verifies before any loader runs.

- MLflow asks an artifact repository for the files first (entry point ``mlflow.artifact_repository``, scheme
  ``ostiary``); what does not verify never reaches it.
- A model's own ``MLmodel`` file does not count: it could name any loader, and code to run. One is written here, beside
  the verified files, and names ours (``ostiary_sdk.models.pyfunc``).
- A client that reads the bucket behind our back is not stopped here: only the registry holds the store's credentials.

Where and who comes from ``use`` or the environment: ``OSTIARY_URL``, ``OSTIARY_TENANT``, ``OSTIARY_MODEL_TRUST`` (a
folder as in ``ModelTrust``), ``OSTIARY_MODEL_MARKS``, ``OSTIARY_TOKEN_FILE``. MLflow cuts and rewrites an address in
its own ways: read are its two parts, however many slashes stand before them.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlparse

import msgspec
from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository

from ostiary_sdk.models.door import DoorSettings, LoadError, Proves
from ostiary_sdk.models.loading import load_model
from ostiary_sdk.models.trust import ModelTrust

_PARTS: Final = 2
_FLAVOUR: Final = "MLmodel"


class Use(msgspec.Struct, frozen=True):
    """Where the registry is and who asks it.

    Attributes:
        url, tenant, trust, marks: as for ``load_model``.
        tokens: gives what proves the caller, for one model and stage.
        settings: times and bounds.
    """

    url: str
    tenant: str
    trust: ModelTrust
    tokens: Any
    marks: str = ""
    settings: DoorSettings = DoorSettings()


_used: list[Use] = []


def use(use_: Use) -> None:
    """Say where the registry is and who asks it, for this process."""
    _used[:] = [use_]


class OstiaryArtifactRepository(ArtifactRepository):
    """The registry as MLflow sees it: for reading only."""

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:  # type: ignore[explicit-override] # not in 3.11
        """Return a folder of verified files with an ``MLmodel`` of ours.

        Raises:
            LoadError: it does not verify, or the registry refuses.
        """
        name, stage = named(self.artifact_uri, artifact_path)
        using = _using()
        tokens: Proves = using.tokens(name, stage) if callable(using.tokens) else using.tokens
        target = Path(dst_path or tempfile.mkdtemp(prefix="ostiary-mlflow-"))
        with load_model(
            name,
            stage=stage,
            url=using.url,
            tenant=using.tenant,
            tokens=tokens,
            trust=using.trust,
            marks=using.marks or None,
            native_loader=False,
            settings=using.settings,
        ) as model:
            folder = target / f"{name}-{model.version}"
            shutil.copytree(model.folder, folder)
            (folder / _FLAVOUR).write_text(_mlmodel(model.format))
        return str(folder)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:  # type: ignore[explicit-override] # not in 3.11
        """Tell nothing: what there is, is told to whoever may load it."""
        del path
        return []

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:  # type: ignore[explicit-override] # not in 3.11
        """Refuse: models come in by registration, with signature and provenance."""
        raise _read_only(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:  # type: ignore[explicit-override] # not in 3.11
        """Refuse, as ``log_artifact``."""
        raise _read_only(local_dir, artifact_path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:  # type: ignore[explicit-override] # not in 3.11
        """Refuse: a version is given up in the registry."""
        raise _read_only("", artifact_path)


def named(uri: str, artifact_path: str) -> tuple[str, str]:
    """Return model and stage, however MLflow cut the address in two.

    >>> named("ostiary:/fraud", "production"), named("ostiary://fraud/production", "")
    (('fraud', 'production'), ('fraud', 'production'))
    """
    try:
        parsed = urlparse(uri)
    except ValueError as fault:
        raise LoadError("uri_malformed", f"`{uri[:80]}` is no address of a model") from fault
    whole = "/".join((parsed.netloc, unquote(parsed.path), artifact_path or ""))
    parts = [part for part in whole.split("/") if part]
    if len(parts) != _PARTS:
        raise LoadError("uri_malformed", f"`{uri[:80]}` is no address of a model: use ostiary:/NAME/STAGE")
    return parts[0], parts[1]


def _using() -> Use:
    if _used:
        return _used[0]
    try:
        trust = ModelTrust.from_folder(os.environ["OSTIARY_MODEL_TRUST"])
        url, tenant = os.environ["OSTIARY_URL"], os.environ["OSTIARY_TENANT"]
    except (KeyError, ValueError) as fault:
        raise LoadError(
            "not_configured", "set OSTIARY_URL, OSTIARY_TENANT and OSTIARY_MODEL_TRUST, or call `use`"
        ) from fault
    return Use(url, tenant, trust, _tokens(url, tenant), os.environ.get("OSTIARY_MODEL_MARKS", ""))


def _tokens(url: str, tenant: str) -> Any:
    """Return what exchanges the token in ``OSTIARY_TOKEN_FILE`` for one of the model that is asked for."""
    from ostiary_sdk.pipeline import Access, ExchangedToken, from_file  # noqa: PLC0415 - an extra

    source = from_file(os.environ.get("OSTIARY_TOKEN_FILE", ""))

    def tokens(name: str, stage: str) -> Proves:
        access = Access("ostiary_model", name, ("model.load",), stage=stage)
        found: Proves = ExchangedToken(url, tenant, source, access)
        return found

    return tokens


def _mlmodel(kind: str) -> str:
    flavour = {"python_function": {"loader_module": "ostiary_sdk.models.pyfunc", "data": ".", "format": kind}}
    return msgspec.json.encode({"flavors": {**flavour}, "model_format": kind}).decode()


def _read_only(*_: object) -> LoadError:
    return LoadError("read_only", "the registry takes models by `ostiary model register` only")
