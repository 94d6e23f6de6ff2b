"""The state of a tenant's phases as one signed statement, chained by number and by the digest of the one before.

- A statement is whole: who reads the newest one needs no other. It says what was done to get there, by whom and why.
- A setting keeps its **rungs**: each phase that people agreed to, with the proposal and every value they agreed for, so
  that the agreement can be asked for again whenever the state takes effect.
- ``base`` is where a setting stands without anybody's agreement: ``None`` is the operator's own table for the whole
  tenant, and no word at all for a narrower scope.

>>> State("acme", 1, "", 1, Change("demote", "deny"), (Setting("deny", base=Phase.SHADOW),)).find("deny").base.name
'SHADOW'
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ostiary.errors import VerificationError
from ostiary.keys import KeyRing, VerifyingKey, sha256_hex
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import WHOLE, Scope

PURPOSE: Final = "phases"
ALL_PLAYBOOKS: Final = "playbook:*"
EVERYTHING: Final = (*(control.value for control in Control), ALL_PLAYBOOKS)
MAX_SETTINGS: Final = 256
MAX_BYTES: Final = 512 << 10
_DOMAIN: Final = b"ostiary.phases.v1\0"


class Rung(msgspec.Struct, frozen=True, omit_defaults=True):
    """One phase that people agreed to.

    Attributes:
        phase: which.
        proposal: the approvals room's name of what they agreed to.
        bound: every value that their agreement holds for.
        at_ns: when it was done.
    """

    phase: Phase
    proposal: str
    bound: Mapping[str, str] = {}
    at_ns: int = 0


Holds = Callable[["Setting", Rung], bool]


class Setting(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one control has come in one scope.

    Attributes:
        control: ``deny``, …, or ``playbook:NAME``.
        base: the phase that needs nobody's agreement, or ``None``.
        since_ns: when it came to stand where it stands.
    """

    control: str
    scope: Scope = WHOLE
    base: Phase | None = None
    rungs: tuple[Rung, ...] = ()
    since_ns: int = 0


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done to come to a state.

    Attributes:
        what: ``promote``, ``demote``, ``kill``, ``revive``; ``auto`` is a demotion that nobody asked for.
        before, after: names of phases.
        by: who did it: the id of a key, ``command line``, or ``gate``.
        why: in words, for everybody.
        told: further values: digests of reports, figures.
    """

    what: str
    control: str
    scope: Scope = WHOLE
    before: str = ""
    after: str = ""
    by: str = ""
    why: str = ""
    proposal: str = ""
    told: Mapping[str, str] = {}


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """All settings of one tenant after one change; ``killed`` are the controls whose switch was pulled."""

    tenant: str
    number: int
    previous: str
    at_ns: int
    change: Change
    settings: tuple[Setting, ...] = ()
    killed: tuple[str, ...] = ()

    def find(self, control: str, scope: Scope = WHOLE) -> Setting | None:
        """Return one setting."""
        return next((one for one in self.settings if (one.control, one.scope) == (control, scope)), None)

    def is_killed(self, control: str) -> bool:
        """Return whether a control's switch was pulled."""
        return control in self.killed


class Signed(msgspec.Struct, frozen=True):
    """A state as it lies in the log: its very bytes, and the signature over them."""

    state: msgspec.Raw
    kid: str
    signature: str
    v: int = 1
    type: str = "phases"


class Read(msgspec.Struct, frozen=True):
    """A verified state and its digest."""

    state: State
    digest: str


def sign(state: State, ring: KeyRing) -> bytes:
    """Return a signed statement, as a record's payload."""
    body = msgspec.json.encode(state)
    key = ring.active(state.tenant, PURPOSE)
    signature = base64.urlsafe_b64encode(key.sign(_DOMAIN + body)).decode()
    return msgspec.json.encode(Signed(msgspec.Raw(body), key.kid, signature))


def read(payload: bytes, tenant: str, keys: Mapping[str, VerifyingKey]) -> Read:
    """Return the state of a payload.

    Raises:
        VerificationError: ``phases_unverified``.
    """
    if len(payload) > MAX_BYTES:
        raise _unverified("is too long")
    try:
        signed = msgspec.json.decode(payload, type=Signed)
        signature = base64.urlsafe_b64decode(signed.signature)
        body = bytes(signed.state)
        state = msgspec.json.decode(body, type=State)
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError) as fault:
        raise _unverified("cannot be read") from fault
    key = keys.get(signed.kid)
    if key is None or not key.verify(signature, _DOMAIN + body):
        raise _unverified("is not signed by a key of this deployment")
    if state.tenant != tenant:
        raise _unverified("is another tenant's")
    return Read(state, "sha256:" + sha256_hex(_DOMAIN + body))


def _unverified(what: str) -> VerificationError:
    return VerificationError("phases_unverified", f"a statement of phases {what}")
