"""Judges whether something may run in a namespace of models: no is the default, and every reason is told.

1. The namespace is one that an administrator named; another answers no.
2. The object is a pod or something that makes pods, created or updated; anything else answers no.
3. The pod is one that may be at all (``pods``).
4. Its annotation ``ostiary.dev/models`` names the models that it serves, by digest. Without it the answer is no: a
   label that must be set to be judged would let all unlabelled pods by. ``none`` is for namespaces that allow it.
5. Every digest, those of model volumes included, is approved for the stage of that namespace, now.
6. An update that changes neither the pod nor what is said of its models is let by: it makes nothing run, and a pod
   whose approval has ended since must still be able to end.

What cannot be told is a no as well. The judge reads no clock, and asks nobody but ``ApprovedModels``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.pipeline.kubernetes.pods import Fault, digests_of_volumes, faults_of
from ostiary.pipeline.kubernetes.ports import ApprovedModels
from ostiary.pipeline.kubernetes.review import Review

MODELS: Final = "ostiary.dev/models"
NONE: Final = "none"
MAX_MODELS: Final = 16
MAX_REASONS: Final = 16
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_OPERATIONS: Final = frozenset({"CREATE", "UPDATE"})
_SUBRESOURCES: Final = frozenset({"", "ephemeralcontainers", "resize"})
# (group, kind) -> where the pod's template lies inside ``spec``; nothing for a pod itself.
KINDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): ("spec", "template"),
}


class NamespaceRule(msgspec.Struct, frozen=True):
    """What holds in one namespace.

    Attributes:
        tenant: whose it is.
        namespace: its name in the cluster.
        stage: what models must be approved for.
        without_model: whether pods that say ``none`` may run there.
        registries: prefixes that images must have; empty for any.
        claims: volume claims that pods may mount.
    """

    tenant: str
    namespace: str
    stage: str
    without_model: bool = False
    registries: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """What came of a question: ``reasons`` against it by code, the models that it named, and the stage."""

    reasons: dict[str, str]
    models: tuple[str, ...] = ()
    stage: str = ""

    @property
    def allowed(self) -> bool:
        """Whether nothing is against it."""
        return not self.reasons


class AdmissionJudge:
    """Judges the questions of a tenant's clusters."""

    def __init__(self, rules: tuple[NamespaceRule, ...], models: ApprovedModels) -> None:
        """Take what administrators set, and who knows the models."""
        self._rules = {(rule.tenant, rule.namespace): rule for rule in rules}
        self._models = models

    def judge(self, tenant: str, review: Review) -> Judged:
        """Return what may be, with every reason why not."""
        rule = self._rules.get((tenant, review.namespace))
        if rule is None:
            return Judged({"namespace_unknown": "the namespace is none that was set up for models"})
        path = KINDS.get((review.group, review.kind))
        known = review.version == "v1" and review.operation in _OPERATIONS and review.subresource in _SUBRESOURCES
        if path is None or not known:
            return Judged({"kind_not_judged": "what is asked for is none that is judged here"}, stage=rule.stage)
        template = _inside(review.content, path)
        if template is None:
            return Judged({"pod_malformed": "it holds no template of a pod"}, stage=rule.stage)
        if review.operation == "UPDATE" and _same(template, _inside(review.before, path)):
            return Judged({}, stage=rule.stage)  # 6
        return self._judge_pod(rule, template)

    def _judge_pod(self, rule: NamespaceRule, template: Mapping[str, Any]) -> Judged:
        metadata, spec = template.get("metadata") or {}, template.get("spec")
        if not isinstance(metadata, dict) or not isinstance(spec, dict):
            return Judged({"pod_malformed": "the pod has no spec"}, stage=rule.stage)
        faults = list(faults_of(metadata, spec, rule.registries, frozenset(rule.claims)))
        named, fault = _named(metadata, rule)
        mounted = digests_of_volumes(spec)
        faults += fault
        if not set(mounted) <= set(named):
            faults.append(("model_not_named", f"a volume holds a model that `{MODELS}` does not name"))
        faults += self._unapproved(rule, named)
        reasons: dict[str, str] = {}
        for code, sentence in faults[: MAX_REASONS * 4]:
            if len(reasons) < MAX_REASONS:
                reasons.setdefault(code, sentence)
        return Judged(reasons, tuple(named), rule.stage)

    def _unapproved(self, rule: NamespaceRule, named: list[str]) -> Iterator[Fault]:
        for digest in named:
            try:
                good = self._models.approved(rule.tenant, digest, rule.stage)
            except UnavailableError:
                yield "model_unknown_now", "nobody can say now whether the model is approved"
                return
            if good is not True:
                yield "model_not_approved", f"`{digest[:23]}…` is not approved for `{rule.stage}`"


def _named(metadata: Mapping[str, Any], rule: NamespaceRule) -> tuple[list[str], list[Fault]]:
    annotations = metadata.get("annotations")
    told = annotations.get(MODELS) if isinstance(annotations, dict) else None
    if not isinstance(told, str) or not told:
        return [], [("model_not_named", f"the annotation `{MODELS}` is missing: name each model by digest")]
    if told == NONE:
        return [], [] if rule.without_model else [("model_not_named", "pods without a model may not run here")]
    digests = told.split(",")
    if len(digests) > MAX_MODELS or len(set(digests)) != len(digests) or not all(map(_DIGEST.match, digests)):
        return [], [("model_not_named", f"the annotation `{MODELS}` is no list of digests, each once")]
    return digests, []


def _same(template: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    if before is None or not isinstance(before.get("spec"), dict):
        return False
    return (template.get("spec"), _annotations(template)) == (before.get("spec"), _annotations(before))


def _annotations(template: Mapping[str, Any]) -> Any:
    metadata = template.get("metadata")
    return metadata.get("annotations") if isinstance(metadata, dict) else None


def _inside(content: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = content
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
