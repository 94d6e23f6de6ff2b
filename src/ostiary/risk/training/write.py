"""Puts a trained model where it belongs, signed; how it lands there is ``artifacts.placing``."""

from pathlib import Path

from ostiary.artifacts import ArtifactPredicate, Signer
from ostiary.artifacts.placing import check_place, write_signed
from ostiary.risk.schema import KIND
from ostiary.risk.training.train import Trained
from ostiary.signals.features import SET_DIGEST

__all__ = ["check_place", "write_model", "write_signed"]

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
