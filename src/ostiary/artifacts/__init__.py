"""Model and bundle files: sign, and verify before load.

- An artefact is a flat folder of data files plus one signed manifest, ``manifest.dsse.json``.
- The manifest is a DSSE envelope over an in-toto Statement v1: one subject a file with its SHA-256, and a predicate
  that says what it is (ADR-0008).
- A caller gets bytes only from ``verify_artifact``; it never opens the files again, so nothing can be swapped between
  the check and the use.
- Formats are an allow-list. A pickle is refused by name and by content, signed or not.

>>> import tempfile, pathlib
>>> from ostiary.errors import OstiaryError
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = pathlib.Path(folder, "card.md").write_text("unsigned")
...     try:
...         verify_artifact(pathlib.Path(folder), trusted_keys=())
...     except OstiaryError as fault:
...         print(fault.code)
artifact_unsigned
"""

from ostiary.artifacts.formats import check_format
from ostiary.artifacts.limits import ArtifactLimits
from ostiary.artifacts.ports import Signer, Verifier
from ostiary.artifacts.signing import sign_artifact, write_file
from ostiary.artifacts.statement import MANIFEST_NAME, ArtifactPredicate
from ostiary.artifacts.verifying import VerifiedArtifact, verify_artifact

__all__ = [
    "MANIFEST_NAME",
    "ArtifactLimits",
    "ArtifactPredicate",
    "Signer",
    "VerifiedArtifact",
    "Verifier",
    "check_format",
    "sign_artifact",
    "verify_artifact",
    "write_file",
]
