"""GitHub audit log as GitHub itself exports, streams and answers it: organisation or enterprise, git events included.

Rules:
- What an action does is told by ``operation_type`` where it is there; a clone or fetch takes data out, whatever else.
- A refusal is told by the action's own name (``user.failed_login``, ``….denied``, ``….rejected``); GitHub writes down
  nothing else that did not happen, so everything else succeeded.
- An actor that GitHub says is a bot, or whose name ends in ``[bot]``, is a service, not a person.
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.actions import class_of
from ostiary.signals.fields import address, at, country, fallback_id, first, flag, milliseconds, moment, needed, text
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "github"
DESCRIBE: Final = "GitHub audit log with git events (JSON array or JSON lines, plain or gzip)"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("entries", "events")

_OPERATIONS: Final = {
    "access": ActionClass.READ,
    "authentication": ActionClass.AUTHENTICATE,
    "create": ActionClass.WRITE,
    "modify": ActionClass.WRITE,
    "remove": ActionClass.DELETE,
    "restore": ActionClass.WRITE,
    "transfer": ActionClass.WRITE,
}
_GIT: Final = {
    "git.clone": ActionClass.EXPORT,
    "git.fetch": ActionClass.EXPORT,
    "git.push": ActionClass.WRITE,
    "repo.download_zip": ActionClass.EXPORT,
}
_LOGINS: Final = ("user.login", "user.failed_login", "user.two_factor", "org.sso_response", "business.sso_response")
_POWERS: Final = (
    "business.", "deploy_key.", "environment.", "hook.", "integration_installation.", "ip_allow_list", "members_can_",
    "org.", "org_credential_authorization.", "personal_access_token.", "protected_branch.", "public_key.",
    "repo.add_member", "repo.access", "repo.update_member", "repository_ruleset.", "role.", "secret_scanning",
    "team.", "two_factor_authentication.", "repository_vulnerability_alert",
)  # fmt: skip
_REFUSALS: Final = ("denied", "failed", "rejected")
_CHANGES: Final = (ActionClass.WRITE, ActionClass.DELETE, ActionClass.OTHER)
_KINDS: Final = (("repo", "repository"), ("repository", "repository"), ("team", "team"), ("org", "organization"))


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one audit log entry."""
    action = needed(text(record, "action"), "action")
    subject = needed(first(record, ("actor",), ("external_identity_nameid",), ("user",)), "actor")
    kind, target = _resource(record)
    bot = flag(record, "actor_is_bot") is True or subject.endswith("[bot]")
    token = text(record, "token_id")
    return AccessEvent(
        event_id=text(record, "_document_id") or fallback_id(record),
        tenant=tenant,
        time_ns=_time(record),
        subject_id=subject,
        subject_type="service" if bot else "user",
        action=action,
        resource_type=kind,
        resource_id=target,
        action_class=_class(action, text(record, "operation_type")),
        outcome=_outcome(action),
        client_id=first(record, ("application_client_id",), ("oauth_application_name",), ("oauth_application",)),
        auth_method=first(record, ("programmatic_access_type",), ("transport_protocol_name",)),
        session_id=f"token-{token}" if token else None,
        ip=address(text(record, "actor_ip")),
        country=country(text(record, "actor_location", "country_code")),
        user_agent=text(record, "user_agent", limit=1024),
        labels=tuple(each for each in (text(record, "visibility"),) if each),
        source=FORMAT,
        marks=told_of(action, record, (subject, text(record, "org") or ""), f"{kind} {target}").marks,
    )


def _time(record: dict[str, Any]) -> int:
    told = at(record, "@timestamp") if "@timestamp" in record else at(record, "created_at")
    if told is None:
        raise FaultyInputError("field_missing", "the field `@timestamp` is missing", "@timestamp")
    return moment(told) if isinstance(told, str) else milliseconds(told)


def _resource(record: dict[str, Any]) -> tuple[str, str]:
    for field, kind in _KINDS:
        name = text(record, field)
        if name is not None:
            return kind, name
    enterprise = text(record, "business")
    return ("enterprise", enterprise) if enterprise is not None else ("service", "github")


def _class(action: str, operation: str | None) -> ActionClass:
    if action in _GIT:
        return _GIT[action]
    if action.startswith(_LOGINS):
        return ActionClass.AUTHENTICATE
    found = _OPERATIONS.get(operation or "") or class_of(action)
    return ActionClass.ADMIN if found in _CHANGES and action.startswith(_POWERS) else found


def _outcome(action: str) -> EventOutcome:
    last = action.rpartition(".")[2]
    if not any(word in last for word in _REFUSALS):
        return EventOutcome.SUCCESS
    return EventOutcome.DENIED if "denied" in last else EventOutcome.FAILURE
