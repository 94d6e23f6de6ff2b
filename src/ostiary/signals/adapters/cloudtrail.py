"""AWS CloudTrail: log files ``{"Records": [...]}``, plain or gzip, or one record a line.

Rules:
- A person behind a role of IAM Identity Center is told by the session's name, an address of mail that single sign-on
  sets. Whoever may assume any other role chooses that name: there an address makes another session of the role, never
  the person. Otherwise the role is the subject, so that random session names do not make every run a stranger.
- The resource is what the request names most narrowly; where it names none, the service in its region.
- A refused call is ``denied``, any other error a ``failure``; a log-in tells its own outcome.
"""

import re
from typing import Any, Final

from ostiary.signals.actions import class_of
from ostiary.signals.fields import address, at, fallback_id, first, flag, moment, needed, text
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import Mark

FORMAT: Final = "cloudtrail"
DESCRIBE: Final = "AWS CloudTrail log files (JSON or JSON lines, plain or gzip)"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("Records",)

_NS: Final = 1_000_000_000
_NAMES: Final = (
    ("bucketName", "bucket"),
    ("functionName", "function"),
    ("secretId", "secret"),
    ("keyId", "key"),
    ("dBInstanceIdentifier", "database"),
    ("dBClusterIdentifier", "database"),
    ("tableName", "table"),
    ("roleArn", "role"),
    ("roleName", "role"),
    ("policyArn", "policy"),
    ("groupName", "group"),
    ("userName", "user"),
    ("instanceId", "instance"),
    ("snapshotId", "snapshot"),
    ("imageId", "image"),
    ("groupId", "security-group"),
    ("clusterName", "cluster"),
    ("repositoryName", "repository"),
    ("stackName", "stack"),
    ("queueUrl", "queue"),
    ("topicArn", "topic"),
    ("logGroupName", "log-group"),
    ("trailName", "trail"),
    ("detectorId", "detector"),
    ("name", "object"),
)
_SINGLE_SIGN_ON: Final = re.compile(r"arn:aws[a-z-]{0,16}:iam::\d{1,12}:role/aws-reserved/sso\.amazonaws\.com/")
_REFUSALS: Final = ("AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized", "ExplicitDeny")


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one CloudTrail record."""
    time_ns = moment(record.get("eventTime"))
    service = needed(text(record, "eventSource"), "eventSource").removesuffix(".amazonaws.com")
    name = needed(text(record, "eventName"), "eventName")
    kind, subject = _subject(record)
    resource_type, resource_id = _resource(record, service)
    session = at(record, "userIdentity", "sessionContext")
    action = f"{service}:{name}"
    mfa = _mfa(record, session)
    says = told_of(action, record, _own(record, subject), resource_id)
    return AccessEvent(
        event_id=text(record, "eventID") or fallback_id(record),
        tenant=tenant,
        time_ns=time_ns,
        subject_id=subject,
        subject_type=kind,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        action_class=_class(record, action),
        outcome=_outcome(record),
        session_id=_session(record),
        client_id=text(record, "userIdentity", "invokedBy"),
        issuer=text(session, "sessionIssuer", "arn"),
        auth_method=text(record, "userIdentity", "type"),
        mfa=mfa,
        auth_age_s=_auth_age(session, time_ns),
        ip=address(text(record, "sourceIPAddress")),
        user_agent=text(record, "userAgent"),
        count=float(says.widest) if says.widest > 1 else None,
        source=FORMAT,
        detail=first(record, ("errorCode",), ("errorMessage",)),
        marks=_marks(says.marks, name, subject, mfa=mfa),
    )


def _subject(record: dict[str, Any]) -> tuple[str, str]:
    """Return what kind of subject acted, and which."""
    who = at(record, "userIdentity")
    session = (text(who, "arn") or "").rpartition("/")[2] or (text(who, "principalId") or "").rpartition(":")[2]
    kind = text(who, "type") or ""
    if kind == "Root":
        return "user", f"root:{text(who, 'accountId') or 'unknown'}"
    if kind in {"AssumedRole", "FederatedUser"}:
        if "@" in session and kind == "AssumedRole":
            issuer = text(who, "sessionContext", "sessionIssuer", "arn") or ""
            return ("user", session) if _SINGLE_SIGN_ON.match(issuer) else ("role", _session_of(who, issuer, session))
        role = first(who, ("sessionContext", "sessionIssuer", "arn"), ("arn",), ("principalId",))
        return "role", needed(role, "userIdentity.arn")
    if kind == "AWSService" or (not kind and text(who, "invokedBy")):
        return "service", needed(first(who, ("invokedBy",), ("principalId",)), "userIdentity.invokedBy")
    if kind == "AWSAccount":
        return "account", needed(first(who, ("accountId",), ("principalId",)), "userIdentity.accountId")
    names = (("userName",), ("onBehalfOf", "userId"), ("arn",), ("principalId",), ("accountId",))
    return "user", needed(first(who, *names), "userIdentity")


def _session_of(who: Any, issuer: str, session: str) -> str:
    return text(who, "arn") or f"{issuer or 'role'}/{session}"


def _own(record: dict[str, Any], subject: str) -> tuple[str, ...]:
    """Return the names of who acts and of the account it belongs to."""
    who = at(record, "userIdentity")
    names = (text(who, "userName"), text(who, "arn"), text(record, "recipientAccountId"), text(who, "accountId"))
    return (subject, *(name for name in names if name is not None))


def _marks(marks: tuple[Mark, ...], name: str, subject: str, *, mfa: bool | None) -> tuple[Mark, ...]:
    """Return the marks with those that only who acts, or how he logged in, tells."""
    more = set()
    if subject.startswith("root:"):
        more.add(Mark.ROOT)
    if name == "ConsoleLogin" and mfa is False:
        more.add(Mark.WEAK_LOGIN)
    return tuple(sorted({*marks, *more})) if more else marks


def _resource(record: dict[str, Any], service: str) -> tuple[str, str]:
    """Return type and id of the narrowest thing the request names."""
    asked = at(record, "requestParameters")
    bucket, key = text(asked, "bucketName"), text(asked, "key")
    if bucket is not None:
        return "s3-bucket" if key is None else "s3-object", bucket if key is None else f"{bucket}/{key}"
    for field, kind in _NAMES:
        value = text(asked, field)
        if value is not None:
            return f"{service}-{kind}", value.rpartition(":")[2] if value.startswith("arn:") else value
    items = at(asked, "instancesSet", "items", 0, "instanceId")
    if isinstance(items, str):
        return f"{service}-instance", needed(text(asked, "instancesSet", "items", 0, "instanceId"), "instanceId")
    arn = first(record, ("resources", 0, "ARN"), ("resources", 0, "arn"))
    if arn is not None:
        return (text(record, "resources", 0, "type") or service).removeprefix("AWS::").lower().replace("::", "-"), arn
    return service, text(record, "awsRegion") or "global"


def _session(record: dict[str, Any]) -> str | None:
    """Return the temporary key that names a session; a permanent key (``AKIA…``) names none."""
    key = text(record, "userIdentity", "accessKeyId")
    return None if key is None or key.startswith("AKIA") else key


def _class(record: dict[str, Any], action: str) -> ActionClass:
    kind = class_of(action)
    if kind is not ActionClass.OTHER:
        return kind
    read_only = flag(record, "readOnly")
    return ActionClass.OTHER if read_only is None else ActionClass.READ if read_only else ActionClass.WRITE


def _outcome(record: dict[str, Any]) -> EventOutcome:
    error = text(record, "errorCode")
    if error is not None:
        refused = any(word in error for word in _REFUSALS)
        return EventOutcome.DENIED if refused else EventOutcome.FAILURE
    answer = at(record, "responseElements")
    told = next((each for each in answer.values() if each in {"Success", "Failure"}), None) if _small(answer) else None
    return EventOutcome.FAILURE if told == "Failure" else EventOutcome.SUCCESS


def _small(answer: Any) -> bool:
    """Return whether this is the answer of a log-in, such as ``{"ConsoleLogin": "Failure"}``."""
    return isinstance(answer, dict) and len(answer) == 1 and all(isinstance(each, str) for each in answer.values())


def _mfa(record: dict[str, Any], session: Any) -> bool | None:
    told = flag(session, "attributes", "mfaAuthenticated")
    return flag(record, "additionalEventData", "MFAUsed") if told is None else told


def _auth_age(session: Any, time_ns: int) -> float | None:
    begun = text(session, "attributes", "creationDate")
    return None if begun is None else max(0.0, (time_ns - moment(begun)) / _NS)
