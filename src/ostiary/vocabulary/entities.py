"""The AuthZEN 1.0 entities and one access evaluation request.

Unknown members are ignored, as the specification demands (Authorization API 1.0 §5).
"""

from typing import Any

import msgspec

Properties = dict[str, Any]


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asks. ``properties`` are what the enforcement point says, not what Ostiary knows."""

    type: str
    id: str
    properties: Properties = {}


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be done."""

    name: str
    properties: Properties = {}


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it is to be done to."""

    type: str
    id: str
    properties: Properties = {}


class EvaluationRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One access evaluation: may this subject do this action to this resource in this context?"""

    subject: Subject
    action: Action
    resource: Resource
    context: Properties = {}


class Receipt(msgspec.Struct, frozen=True):
    """What the server stamped on a request when it arrived; never read from the caller's body.

    Attributes:
        decision_id: ``dec_…``, the id of the decision and of its record.
        received_ns: nanoseconds since the Unix epoch.
        peer_ip: address of the end user's client as far as it can be trusted, or ``None``.
        request_id: the caller's ``X-Request-ID``, echoed back, or ``None``.
    """

    decision_id: str
    received_ns: int
    peer_ip: str | None = None
    request_id: str | None = None
