"""Enforcement points from the configuration: a registry that is replaced whole.

>>> registry = FixedRegistry([RegisteredPep(pep_id="gateway-1", tenant="acme")])
>>> registry.find("gateway-1").tenant, registry.find("gateway-2")
('acme', None)
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from ostiary.errors import FaultyInputError
from ostiary.identity.mtls import thumbprint
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.reasons import Refusal

_Key = TypeVar("_Key", bound=Hashable)


class FixedRegistry:
    """A ``PepRegistry`` over a list. Thread-safe: it is never changed in place."""

    def __init__(self, peps: Iterable[RegisteredPep]) -> None:
        """Index the enforcement points.

        Raises:
            FaultyInputError: two of them share an id, a certificate or a workload.
        """
        listed = list(peps)
        self._by_id = _index((pep.pep_id, pep) for pep in listed)
        self._by_certificate = _index((thumbprint(text), pep) for pep in listed for text in pep.certificates)
        self._by_workload = _index(((p.token_issuer, p.token_subject), p) for p in listed if p.token_issuer)

    def find(self, pep_id: str) -> RegisteredPep | None:
        """Return the enforcement point with this id."""
        return self._by_id.get(pep_id)

    def find_by_certificate(self, thumbprint: str) -> RegisteredPep | None:
        """Return the one that registered this thumbprint."""
        return self._by_certificate.get(thumbprint)

    def find_by_workload(self, issuer: str, subject: str) -> RegisteredPep | None:
        """Return the one that authenticates by JWTs of ``issuer`` with this ``sub``."""
        return self._by_workload.get((issuer, subject))


def _index(pairs: Iterable[tuple[_Key, RegisteredPep]]) -> Mapping[_Key, RegisteredPep]:
    found: dict[_Key, RegisteredPep] = {}
    for key, pep in pairs:
        if key in found:
            message = f"enforcement points `{found[key].pep_id}` and `{pep.pep_id}` cannot be told apart"
            raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
        found[key] = pep
    return found
