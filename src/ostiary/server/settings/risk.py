"""The settings of the risk model: whether there is one, and which."""

from pathlib import Path

from ostiary.server.settings.base import Section


class RiskSection(Section):
    """The risk model."""

    enabled: bool = True
    """Whether a model scores at all; policy sees it when none does."""
    model: Path | None = None
    """Folder of the signed model for tenants without one of their own; none takes the shipped one if there is one."""
    cold_start: bool = False
    """Whether a tenant without a model is scored by the likelihood ratio of its profiles until one is trained."""
