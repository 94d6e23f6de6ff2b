"""Signing keys: list, make the next one; keys of conversations: how a user's stand, destroy them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from ostiary.audit.settings import LOG_PURPOSE
from ostiary.identity.webauthn.types import clean_subject
from ostiary.server.admin.context import Desk, Everyones, Model, Tenant, Who
from ostiary.server.key_care import KeyKept, Next, conversation_keys, log_keys, rotate, shred, signing_keys

router = APIRouter(tags=["keys"])
Purpose = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,39}$", description="What the key is for.")]
Subject = Annotated[str, Query(min_length=3, max_length=256, description="The user, such as `user:ann`.")]


class KeyShown(Model):
    """A signing key, public part; ``state`` is ``active``, ``overlap`` or ``retired``."""

    kid: str
    purpose: str
    alg: str
    state: str
    created_ns: int


class RotateBody(Model):
    """Which key comes next: its algorithm (as the one that signs now when empty) and the old one's overlap."""

    alg: Annotated[str, Field(pattern="^(EdDSA|ES256|RS256)?$")] = ""
    overlap_days: Annotated[int, Field(ge=0, le=400)] = 0
    proposal: Annotated[str, Field(max_length=128)] = ""


class Rotated(Model):
    """The key that signs from now on."""

    kid: str
    purpose: str


class ConversationKeysShown(Model):
    """How the keys of a user's conversations stand: no epoch has a key where there are none, or all were destroyed."""

    subject: str
    epochs: tuple[int, ...]
    floor: int
    conversations: int


class ShredBody(Model):
    """Whose keys, and for what legal reason."""

    subject: Annotated[str, Field(min_length=3, max_length=256)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    proposal: Annotated[str, Field(max_length=128)] = ""


class Shredded(Model):
    """How many conversations can never be read again."""

    subject: str
    conversations: int


@router.get("/tenants/{tenant}/keys")
def list_signing_keys(tenant: Tenant, desk: Desk) -> list[KeyShown]:
    """List a tenant's signing keys by purpose, and those of the log, which are everybody's."""
    now_ns, ring = desk.house.clock.now_ns(), desk.house.ring
    return [_shown(one) for one in (*signing_keys(ring, tenant, now_ns), *log_keys(ring, now_ns))]


@router.post("/tenants/{tenant}/keys/{purpose}/rotate", status_code=201)
def rotate_key(tenant: Tenant, purpose: Purpose, body: RotateBody, who: Everyones, desk: Desk) -> Rotated:
    """Make the next key of a purpose; ``log`` is the log's. Where the tenant has people, they must have agreed."""
    wanted = Next(purpose, "" if purpose == LOG_PURPOSE else body.alg, body.overlap_days, body.proposal)
    return Rotated(kid=rotate(desk.house, who.key_id, tenant, wanted), purpose=purpose)


@router.get("/tenants/{tenant}/conversation-keys")
def show_conversation_keys(tenant: Tenant, subject: Subject, desk: Desk) -> ConversationKeysShown:
    """Show how the keys of a user's conversations stand."""
    found = conversation_keys(desk.house, tenant, clean_subject(subject))
    return ConversationKeysShown(
        subject=subject, epochs=found.epochs, floor=found.floor, conversations=found.conversations
    )


@router.post("/tenants/{tenant}/conversation-keys/shred")
def shred_conversation_keys(tenant: Tenant, body: ShredBody, who: Who, desk: Desk) -> Shredded:
    """Destroy the keys of all conversations of a user: no backup of the database brings them back."""
    subject = clean_subject(body.subject)
    gone = shred(desk.house, who.key_id, tenant, subject, body.reason, body.proposal)
    return Shredded(subject=subject, conversations=gone)


def _shown(one: KeyKept) -> KeyShown:
    return KeyShown(kid=one.kid, purpose=one.purpose, alg=one.alg, state=one.state, created_ns=one.created_ns)
