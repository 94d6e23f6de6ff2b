"""An AdmissionReview (``admission.k8s.io/v1``): what the API server asks, and the one form of answer that it takes.

- What cannot be read has no answer but an HTTP error, and the API server then refuses (``failurePolicy: Fail``).
- The answer names the request's ``uid`` and nothing that the request said besides.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError

API_VERSION: Final = "admission.k8s.io/v1"
CODE: Final = "admission_review_malformed"
_UID: Final = re.compile(r"[A-Za-z0-9-]{1,128}\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_SHOWN: Final = 253


class Review(msgspec.Struct, frozen=True):
    """One question.

    Attributes:
        uid: the API server's name for it.
        group, version, kind: of the object.
        namespace: where it would be.
        name: of the object; empty when the server will make one.
        operation: ``CREATE`` or ``UPDATE``; others are refused.
        subresource: empty, or ``ephemeralcontainers``, ….
        user: who asks the API server for it.
        dry_run: whether nothing will be kept of it.
        content: the object itself, unchecked.
        before: what it was before an ``UPDATE``; empty when it is new.
    """

    uid: str
    group: str
    version: str
    kind: str
    namespace: str
    name: str
    operation: str
    subresource: str
    user: str
    dry_run: bool
    content: Mapping[str, Any]
    before: Mapping[str, Any] = {}


def read_review(document: Mapping[str, Any]) -> Review:
    """Return what is asked.

    Raises:
        FaultyInputError: ``admission_review_malformed``.
    """
    if document.get("apiVersion") != API_VERSION or document.get("kind") != "AdmissionReview":
        raise FaultyInputError(CODE, "the body is no AdmissionReview of `admission.k8s.io/v1`")
    request = _object(document.get("request"), "request")
    uid, namespace = request.get("uid"), request.get("namespace", "")
    if not isinstance(uid, str) or not _UID.match(uid):
        raise FaultyInputError(CODE, "`request.uid` is missing or no identifier")
    if not isinstance(namespace, str) or (namespace and not _NAMESPACE.match(namespace)):
        raise FaultyInputError(CODE, "`request.namespace` is no name of a namespace")
    kind = _object(request.get("kind"), "request.kind")
    dry_run = request.get("dryRun", False)
    if not isinstance(dry_run, bool):
        raise FaultyInputError(CODE, "`request.dryRun` is no truth value")
    return Review(
        uid=uid,
        group=_text(kind, "group"),
        version=_text(kind, "version"),
        kind=_text(kind, "kind"),
        namespace=namespace,
        name=_text(request, "name"),
        operation=_text(request, "operation"),
        subresource=_text(request, "subResource"),
        user=_text(_object(request.get("userInfo", {}), "request.userInfo"), "username"),
        dry_run=dry_run,
        content=_object(request.get("object"), "request.object"),
        before=_object(request.get("oldObject") or {}, "request.oldObject"),
    )


def answer(uid: str, reasons: Mapping[str, str], record_id: str) -> dict[str, Any]:
    """Return the answer: yes when there is no reason against it.

    Args:
        uid: of the question.
        reasons: code to sentence.
        record_id: of the record of this answer.
    """
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": not reasons,
        "auditAnnotations": {"record": record_id, "reasons": ",".join(reasons)},
    }
    if reasons:
        text = "; ".join(f"{sentence} ({code})" for code, sentence in reasons.items())
        response["status"] = {"code": 403, "reason": "Forbidden", "message": f"ostiary: {text} [{record_id}]"}
    return {"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FaultyInputError(CODE, f"`{name}` is no object")
    return value


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name, "")
    if not isinstance(value, str) or len(value) > _SHOWN:
        raise FaultyInputError(CODE, f"`{name}` is no text or too long")
    return value
