"""What a decision point is asked: who wants to do what to which resource, and what shows it.

- A token is a secret: it is in no ``repr``, and of a question only a digest is ever kept.
- What is read from a token here is unverified. It names the subject and the session, so that a question can be put and
  a kept answer be dropped; whether any of it is true the decision point says.

>>> asked = question("read", "document:handbook", subject="user:alice", token="s3cret.t0ken")
>>> asked
Question(read document:handbook for user:alice)
>>> asked.body()["resource"]
{'type': 'document', 'id': 'handbook'}
"""

import base64
import binascii
import hashlib
from typing import Any, Final, TypedDict

import msgspec

Entity = str | tuple[str, str]
MAX_TOKEN: Final = 16_384
_MAX_PARTS: Final = 8
EVERYTHING: Final = "*"


class QuestionError(ValueError):
    """A question that cannot be put; its text is a reason code."""


class Who(TypedDict, total=False):
    """What may be said of the caller and the moment; see ``Question``."""

    subject: Entity
    token: str
    dpop: str
    http_method: str
    http_uri: str
    certificate: str
    session_id: str
    context: dict[str, Any]
    subject_properties: dict[str, Any]
    action_properties: dict[str, Any]
    resource_properties: dict[str, Any]


class Claims(msgspec.Struct, frozen=True):
    """What a token says of itself, unverified."""

    subject: str = ""
    session: str = ""
    expires_s: float | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question.

    Attributes:
        subject: type and id.
        session_id: the session, where the enforcement point itself vouches for it.
        token, dpop: the caller's access token, and the proof of possession that came with it.
        http_method, http_uri: of the request that carried the proof.
        certificate: SHA-256 of the client's certificate, where the token is bound to one.
        claims: what the token says of itself.
    """

    subject: tuple[str, str]
    action: str
    resource: tuple[str, str]
    session_id: str = ""
    token: str = ""
    dpop: str = ""
    http_method: str = ""
    http_uri: str = ""
    certificate: str = ""
    context: dict[str, Any] = {}
    subject_properties: dict[str, Any] = {}
    action_properties: dict[str, Any] = {}
    resource_properties: dict[str, Any] = {}
    claims: Claims = Claims()

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show what is asked, and nothing that was presented for it."""
        return f"Question({self.action} {':'.join(self.resource)} for {':'.join(self.subject)})"

    def body(self) -> dict[str, Any]:
        """Return the AuthZEN request body."""
        presented = {
            "subject_token": self.token,
            "dpop_proof": self.dpop,
            "http_method": self.http_method,
            "http_uri": self.http_uri,
            "client_cert_sha256": self.certificate,
            "session_id": self.session_id,
        }
        context = {**self.context, **{name: value for name, value in presented.items() if value}}
        body = {
            "subject": _entity(self.subject, self.subject_properties),
            "action": {"name": self.action, **_properties(self.action_properties)},
            "resource": _entity(self.resource, self.resource_properties),
        }
        return {**body, "context": context} if context else body

    def key(self) -> bytes:
        """Return a digest of everything that is asked and presented."""
        return hashlib.sha256(msgspec.json.encode(self.body(), order="deterministic")).digest()

    @property
    def repeatable(self) -> bool:
        """Whether it may be put again, or its answer be kept: a proof of possession is good for one time only."""
        return not self.dpop

    def names(self) -> frozenset[str]:
        """Return every name under which a change of its session or subject may be told."""
        told = {self.session_id, self.claims.session, str(self.context.get("session_id") or "")}
        sessions = {f"session:{part}" for name in told if name for part in tails(name, "\n")}
        return frozenset({*sessions, f"subject:{self.subject[1]}", EVERYTHING})


def tails(name: str, separator: str) -> list[str]:
    """Return ``name`` and what follows each separator in it, or the name of everything where there are too many.

    A change may name a session with its subject in front, and a subject with its type; types differ by who names them.
    """
    if name.count(separator) > _MAX_PARTS:
        return [EVERYTHING]
    parts = name.split(separator)
    return [separator.join(parts[start:]) for start in range(len(parts))]


def question(action: str, resource: Entity, **who: Any) -> Question:
    """Return a question; entities are ``type:id`` or a pair.

    Raises:
        QuestionError: it lacks something, with a reason code.
    """
    token = who.pop("token", "") or ""
    claims = unverified_claims(token) if token else Claims()
    subject: Entity = who.pop("subject", None) or ("user", claims.subject)
    parts = {name: value for name, value in who.items() if value is not None}
    asked = Question(subject=pair(subject), action=action, resource=pair(resource), token=token, claims=claims, **parts)
    if not all((*asked.subject, action, *asked.resource)):
        raise QuestionError("subject_unknown" if not asked.subject[1] else "question_invalid")
    return asked


def pair(entity: Entity) -> tuple[str, str]:
    """Return type and id.

    Raises:
        QuestionError: ``question_invalid``.
    """
    if isinstance(entity, str):
        kind, colon, name = entity.partition(":")
        if not colon:
            raise QuestionError("question_invalid")
        return kind, name
    kind, name = entity
    return str(kind), str(name)


def unverified_claims(token: str, subject: str = "sub", session: str = "sid") -> Claims:
    """Return what a JWT says of itself; nothing of a token that is none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > MAX_TOKEN:  # noqa: PLR2004 - header, payload, signature
        return Claims()
    try:
        payload = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        claims = msgspec.json.decode(payload, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return Claims()
    expires = claims.get("exp")
    expires_s = float(expires) if isinstance(expires, int | float) and not isinstance(expires, bool) else None
    return Claims(_text(claims.get(subject)), _text(claims.get(session)), expires_s)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _entity(entity: tuple[str, str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": entity[0], "id": entity[1], **_properties(properties)}


def _properties(properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties} if properties else {}
