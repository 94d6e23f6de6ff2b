"""The manifest that makes a cluster ask: no pod of the chosen namespaces without an answer, and no answer is a no.

- ``failurePolicy: Fail``; ``matchPolicy: Equivalent``, so that another version of the same kind is asked for too.
- Namespaces are chosen by their own name, which only the API server sets, and by no label that its owner may change.
- The rules name every kind that makes pods, so that a refusal comes where a person sees it, and pods themselves, so
  that nothing gets by.
"""

import base64
import re
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.pipeline.kubernetes.admission import NamespaceRule

CODE: Final = "webhook_invalid"
_URL: Final = re.compile(r"https://[a-z0-9.-]{1,253}(?::[1-9][0-9]{0,4})?\Z")
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?")
_TIMEOUT_S: Final = 10
_RESOURCES: Final = (
    ("", ("pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
)


def webhook(base_url: str, tenant: str, rules: tuple[NamespaceRule, ...], ca: bytes) -> dict[str, Any]:
    """Return the ``ValidatingWebhookConfiguration`` of a tenant.

    Args:
        base_url: public address of Ostiary.
        tenant: whose door is asked.
        rules: of all tenants; the tenant's own are chosen.
        ca: certificates (PEM) that the API server trusts for that address.

    Raises:
        FaultyInputError: ``webhook_invalid``.
    """
    namespaces = sorted(rule.namespace for rule in rules if rule.tenant == tenant)
    if not _URL.match(base_url) or not namespaces:
        raise FaultyInputError(CODE, "a webhook needs an `https://` address and a namespace that is set up for models")
    if not _PEM.fullmatch(ca):
        raise FaultyInputError(CODE, "the certificates are no PEM")
    chosen = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"ostiary-models-{tenant}", "labels": {"app.kubernetes.io/part-of": "ostiary"}},
        "webhooks": [
            {
                "name": "models.ostiary.dev",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "url": f"{base_url}/pipeline/{tenant}/admission",
                    "caBundle": base64.b64encode(ca).decode(),
                },
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "namespaceSelector": {"matchExpressions": [chosen]},
                "objectSelector": {},
                "rules": [_rule(group, resources) for group, resources in _RESOURCES],
                "sideEffects": "None",
                "timeoutSeconds": _TIMEOUT_S,
            }
        ],
    }


def _rule(group: str, resources: tuple[str, ...]) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
        "scope": "Namespaced",
    }
