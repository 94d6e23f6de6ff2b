"""What the admission webhook needs of a room beside it."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class ApprovedModels(Protocol):
    """Knows which models may run where; the registry fills it."""

    def approved(self, tenant: str, digest: str, stage: str) -> bool:
        """Return whether the model of this root digest is live in ``stage``, and its approval is good now.

        Args:
            tenant: whose registry.
            digest: ``sha256:`` and 64 hexadecimal digits.
            stage: such as ``production``.

        Raises:
            UnavailableError: it cannot be told; the pod is then refused.
        """
        ...


class NothingApproved:
    """What is asked where no registry is open: no."""

    def approved(self, tenant: str, digest: str, stage: str) -> bool:
        """Return false."""
        del tenant, digest, stage
        return False
