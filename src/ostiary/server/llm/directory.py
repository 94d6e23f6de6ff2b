"""Language models, and tools of their manifest, as resources that policy knows.

They are joined with the catalogue: where both know a model the stricter word counts.
"""

from collections.abc import Sequence
from typing import Any, Final

from ostiary.decision.ports import Directory, ResourceFacts, SubjectFacts
from ostiary.gateway.models import LanguageModel, ModelTable
from ostiary.gateway.tools import Manifest

TYPE: Final = "language_model"
TOOL: Final = "tool"


class LlmDirectory:
    """A ``Directory`` that knows language models, too."""

    def __init__(self, inner: Directory, models: ModelTable, tools: Manifest) -> None:
        """Ask ``inner`` for everything else."""
        self._inner, self._models = inner, models
        self._tools = frozenset(tools.tools)

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return what is known of one subject."""
        return self._inner.subject(tenant, kind, name)

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return what is known of one resource."""
        told = self._inner.resource(tenant, kind, name)
        if kind == TOOL and name in self._tools and not told.known:  # the manifest says what it does: that is enough
            return ResourceFacts(known=True, sensitivity=1)
        model = self._models.find(tenant, name) if kind == TYPE else None
        return told if model is None else _joined(told, model)

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all subjects of a type, sorted."""
        return self._inner.subjects(tenant, kind)

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all resources of a type, sorted."""
        found = self._inner.resources(tenant, kind)
        return sorted({*found, *(model.name for model in self._models.of(tenant))}) if kind == TYPE else found

    def actions(self, tenant: str) -> Sequence[str]:
        """Return the names of all actions, sorted."""
        return self._inner.actions(tenant)


def _joined(told: ResourceFacts, model: LanguageModel) -> ResourceFacts:
    levels = [level for level in (told.sensitivity, model.sensitivity) if level is not None]
    owner: dict[str, Any] = {"owner": model.owner} if model.owner else {}
    return ResourceFacts(
        known=True,
        attributes={**owner, **told.attributes},
        sensitivity=max(levels),
        critical=told.critical or model.critical,
        break_glass=told.break_glass,
        labels=tuple(dict.fromkeys((*told.labels, *model.labels))),
    )
