"""Opens an entitlement model: verified first, then read as the kind that its signer says it is."""

from collections.abc import Iterable
from pathlib import Path

from ostiary.artifacts import Verifier, verify_artifact
from ostiary.errors import VerificationError
from ostiary.risk.entitlements.grant_model import GrantModel, load_grants
from ostiary.risk.entitlements.request_model import RequestModel, load_requests
from ostiary.risk.entitlements.shape import GRANT_KIND, REQUEST_KIND


def load_model(folder: Path, trusted_keys: Iterable[Verifier]) -> RequestModel | GrantModel:
    """Verify the artefact in ``folder`` and return its model.

    Raises:
        VerificationError: it is not what a trusted key signed, or is no entitlement model (``artifact_wrong_kind``).
        FaultyInputError: ``model_malformed``, although signed.
    """
    verified = verify_artifact(folder, trusted_keys)
    kind = verified.predicate.kind
    if kind == REQUEST_KIND:
        return load_requests(verified)
    if kind == GRANT_KIND:
        return load_grants(verified)
    raise VerificationError("artifact_wrong_kind", f"the artefact is a `{kind}`, wanted is an entitlement model")
