"""AuthZEN 1.0 request bodies as typed requests; what is missing or of the wrong type is said by pointer.

- An entity is an object with non-empty string members; ``properties`` and ``context`` are objects when present.
- Unknown members are ignored (Authorization API 1.0 §5).
- A search ignores the searched entity's id, and takes a page as large as it may be (§8.3).
- In a batch an item's entity replaces the default of the same name whole (§7.1.1): members are never merged.

>>> read_evaluation({"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "doc", "id": "1"}})
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: `subject.id` must be a non-empty string
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.decision.search import MAX_PAGE, Page, Wanted
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.entities import Action, EvaluationRequest, Resource, Subject
from ostiary.vocabulary.reasons import Reason

MAX_TEXT: Final = 2048
MAX_SHARED: Final = 8_388_608
"""Bytes of the defaults times the items of a batch: each item is judged and recorded with its own copy."""
_EMPTY: Final[dict[str, Any]] = {}


class Semantic(StrEnum):
    """How far a batch is evaluated (Authorization API 1.0 §7.1.2.1)."""

    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    EXECUTE_ALL = "execute_all"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"

    def stops_after(self, *, decision: bool) -> bool:
        """Return whether an item that was answered ``decision`` is the last one evaluated."""
        if self is Semantic.EXECUTE_ALL:
            return False
        return decision is (self is Semantic.PERMIT_ON_FIRST_PERMIT)


_SEMANTICS: Final = {s.value: s for s in Semantic}


class Batch(msgspec.Struct, frozen=True):
    """A batch: each item is a request or the fault that it is answered with."""

    items: tuple[EvaluationRequest | FaultyInputError, ...]
    semantic: Semantic


def _fault(message: str, pointer: str) -> FaultyInputError:
    return FaultyInputError(Reason.REQUEST_INVALID.value, message, pointer)


def _object(holder: Mapping[str, Any], name: str, *, needed: bool, prefix: str = "") -> dict[str, Any]:
    value = holder.get(name)
    if isinstance(value, dict):
        return value
    if value is None and not needed and name not in holder:
        return _EMPTY
    raise _fault(f"`{prefix}{name}` must be an object", f"/{prefix.replace('.', '/')}{name}")


def _text(entity: Mapping[str, Any], kind: str, name: str) -> str:
    value = entity.get(name)
    if not isinstance(value, str) or not value:
        raise _fault(f"`{kind}.{name}` must be a non-empty string", f"/{kind}/{name}")
    if len(value) > MAX_TEXT:
        raise _fault(f"`{kind}.{name}` has {len(value)} characters, {MAX_TEXT} are allowed", f"/{kind}/{name}")
    return value


def read_subject(body: Mapping[str, Any]) -> Subject:
    """Return the subject of a request body."""
    entity = _object(body, "subject", needed=True)
    properties = _object(entity, "properties", needed=False, prefix="subject.")
    return Subject(_text(entity, "subject", "type"), _text(entity, "subject", "id"), properties)


def read_action(body: Mapping[str, Any]) -> Action:
    """Return the action of a request body."""
    entity = _object(body, "action", needed=True)
    return Action(_text(entity, "action", "name"), _object(entity, "properties", needed=False, prefix="action."))


def read_resource(body: Mapping[str, Any]) -> Resource:
    """Return the resource of a request body."""
    entity = _object(body, "resource", needed=True)
    properties = _object(entity, "properties", needed=False, prefix="resource.")
    return Resource(_text(entity, "resource", "type"), _text(entity, "resource", "id"), properties)


def read_context(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a request body, empty when there is none."""
    return _object(body, "context", needed=False)


def read_evaluation(body: Mapping[str, Any]) -> EvaluationRequest:
    """Return the request of an access evaluation body.

    Raises:
        FaultyInputError: ``request_invalid``, with the pointer of the fault.
    """
    return EvaluationRequest(read_subject(body), read_action(body), read_resource(body), read_context(body))


def _read_item(defaults: Mapping[str, Any], item: object) -> EvaluationRequest | FaultyInputError:
    if not isinstance(item, dict):
        return _fault("an item of `evaluations` must be an object", "/evaluations")
    try:
        return read_evaluation({**defaults, **item})
    except FaultyInputError as fault:
        return fault


def _semantic(body: Mapping[str, Any]) -> Semantic:
    wanted = _object(body, "options", needed=False).get("evaluations_semantic", Semantic.EXECUTE_ALL.value)
    if not isinstance(wanted, str) or wanted not in _SEMANTICS:
        known = ", ".join(f"`{s.value}`" for s in Semantic)
        raise _fault(f"`options.evaluations_semantic` must be one of {known}", "/options/evaluations_semantic")
    return _SEMANTICS[wanted]


def read_evaluations(body: Mapping[str, Any], max_items: int) -> Batch | None:
    """Return the batch of an access evaluations body, or ``None`` when it is a single evaluation (§7.1).

    Raises:
        FaultyInputError: ``request_invalid`` when the batch as a whole is malformed or too long.
    """
    semantic = _semantic(body)
    items = body.get("evaluations", [])
    if not isinstance(items, list):
        raise _fault("`evaluations` must be an array", "/evaluations")
    if not items:
        return None
    if len(items) > max_items:
        raise _fault(f"`evaluations` has {len(items)} items, {max_items} are allowed", "/evaluations")
    defaults = {name: body[name] for name in ("subject", "action", "resource", "context") if name in body}
    if len(items) * len(msgspec.json.encode(defaults)) > MAX_SHARED:
        raise _fault("the items of `evaluations` share too much: send fewer at once", "/evaluations")
    return Batch(tuple(_read_item(defaults, item) for item in items), semantic)


class Search(msgspec.Struct, frozen=True):
    """What is searched for, and which page of it."""

    request: EvaluationRequest
    page: Page


def read_search(body: Mapping[str, Any], wanted: Wanted) -> Search:
    """Return the request of a search body; the id or name of what is searched for is ``-`` in it.

    Raises:
        FaultyInputError: ``request_invalid``, with the pointer of the fault.
    """
    subject = _searched(body, "subject") if wanted == "subject" else body.get("subject")
    resource = _searched(body, "resource") if wanted == "resource" else body.get("resource")
    action = {"name": "-"} if wanted == "action" else body.get("action")
    request = read_evaluation({**body, "subject": subject, "resource": resource, "action": action})
    return Search(request, _page(body))


def _searched(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**_object(body, kind, needed=True), "id": "-"}


def _page(body: Mapping[str, Any]) -> Page:
    page = _object(body, "page", needed=False)
    limit, token = page.get("limit", MAX_PAGE), page.get("token", "")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise _fault("`page.limit` must be a positive integer", "/page/limit")
    if not isinstance(token, str) or len(token) > MAX_TEXT:
        raise _fault("`page.token` must be a string that a search gave", "/page/token")
    return Page(min(limit, MAX_PAGE), token)
