"""The settings of the admission webhook: which API servers may ask, and what holds in which namespace."""

from typing import Annotated

from pydantic import Field

from ostiary.pipeline.kubernetes.admission import NamespaceRule
from ostiary.server.settings.base import Section

_NAME = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class AdmissionNamespaceSection(Section):
    """One namespace of a cluster in which models run."""

    namespace: _NAME
    """Its name."""
    tenant: _NAME = "default"
    """Whose it is."""
    stage: _NAME = "production"
    """Stage that models must be approved for."""
    without_model: bool = False
    """Whether pods may run there that say `ostiary.dev/models: none`."""
    registries: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*/$")], ...] = ()
    """Prefixes that images must have, such as `registry.example/ml/`, ending with a slash; empty for any."""
    claims: tuple[str, ...] = ()
    """Volume claims that pods may mount; what they hold is not judged."""

    def rule(self) -> NamespaceRule:
        """Return what the judge needs."""
        return NamespaceRule(**self.model_dump())


class AdmissionSection(Section):
    """The webhook that a cluster's API server asks before a pod exists; without `api_servers` there is none."""

    api_servers: tuple[str, ...] = ()
    """Ids of the enforcement points that are API servers (`ostiary pep add`)."""
    namespaces: tuple[AdmissionNamespaceSection, ...] = ()
    """Namespaces of models; in any other the answer is no."""
    max_review_kb: Annotated[int, Field(ge=64, le=16_384)] = 4_096
    """Longest question."""

    def rules(self) -> tuple[NamespaceRule, ...]:
        """Return the rules of all namespaces."""
        return tuple(section.rule() for section in self.namespaces)
