"""What an impostor made of real behaviour shows of itself, and what of its victim.

Rules:
- What the directory knows follows the account: name, type, groups and account facts are the victim's, aged to then.
- Who *wears the place* has the victim's network and coordinates; the client it comes with stays its own, so TLS
  fingerprint and language are the impostor's.
- Who *wears the device* has the victim's device, its posture, its client, and with them fingerprint and language.
- The token belongs to the session, and with it its proofs: it stays the impostor's.
- Hands cannot be worn: the behaviour is the impostor's, held against the victim's template. What spoke for the one who
  sat there speaks against the one whose name it is: the likelihood ratio changes its sign.
- Nobody steps up in another's name: a step-up that the impostor passed as himself was demanded, and is open.
- What is done (target, data, conversation, marks) is the impostor's, but where a mimic replays the victim's usual.
"""

from typing import Any, Final

import msgspec

from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import AccountFacts, BehaviourFacts, PlaceFacts, SessionFacts, TokenFacts

WHO: Final = ("subject_id", "subject_type", "groups")
PLACE: Final = ("ip", "country", "asn", "tz_offset_min")
DEVICE: Final = (
    "device_id",
    "device_managed",
    "user_agent",
    "ua_family",
    "ua_os",
    "client_id",
    "posture",
    "workload",
)
TARGET: Final = (
    "resource_type",
    "resource_id",
    "action",
    "action_class",
    "sensitivity",
    "labels",
    "marks",
    "data",
    "language",
)
_CLIENT: Final = ("ja4", "language")
_NS: Final = 1_000_000_000
_AGES: Final = ("age_s", "role_changed_s", "credential_changed_s")


def fields(event: AccessEvent, names: tuple[str, ...]) -> dict[str, Any]:
    """Return fields of ``event`` by name."""
    return {name: getattr(event, name) for name in names}


def named(event: AccessEvent, victim: AccessEvent) -> dict[str, Any]:
    """Return what ``event`` is told of once it is done under the victim's name."""
    account = _aged(victim.account, (event.time_ns - victim.time_ns) / _NS)
    told = {**fields(victim, WHO), "account": account, "behaviour": _foreign(event.behaviour)}
    return told if event.session is None else {**told, "session": unproven(event.session)}


def disguise(event: AccessEvent, place: AccessEvent | None, device: AccessEvent | None) -> dict[str, Any]:
    """Return what changes when ``event`` wears the place of one access and the device of another, or neither."""
    change: dict[str, Any] = {}
    if place is not None:
        change.update(fields(place, PLACE))
    if device is not None:
        change.update(fields(device, DEVICE))
    if change:
        change["place"] = _merged((place or event).place, (device or event).place)
    return change


def unproven(facts: SessionFacts) -> SessionFacts:
    """Return what a ledger would know of a session in which no step-up ever succeeded."""
    if not facts.proofs:
        return facts
    return msgspec.structs.replace(facts, proofs=0, proven_age_s=None, step_up_open=bool(facts.step_ups))


def later_token(token: TokenFacts | None, after_ns: int) -> TokenFacts | None:
    """Return ``token`` as it looks when it is presented so much later."""
    if token is None or token.age_s is None:
        return token
    return msgspec.structs.replace(token, age_s=max(0.0, token.age_s + after_ns / _NS))


def _merged(where: PlaceFacts | None, client: PlaceFacts | None) -> PlaceFacts | None:
    """Return the one's whereabouts with the other's client; without whereabouts there is nothing to wear."""
    if where is None:
        return None
    return msgspec.structs.replace(where, **{name: getattr(client, name, None) for name in _CLIENT})


def _aged(account: AccountFacts | None, seconds: float) -> AccountFacts | None:
    if account is None:
        return None
    ages = {name: max(0.0, age + seconds) for name in _AGES if (age := getattr(account, name)) is not None}
    return msgspec.structs.replace(account, **ages)


def _foreign(behaviour: BehaviourFacts | None) -> BehaviourFacts | None:
    if behaviour is None or behaviour.llr is None:
        return behaviour
    return msgspec.structs.replace(behaviour, llr=-behaviour.llr)
