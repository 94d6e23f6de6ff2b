"""The sixteen families of the signal catalogue, and one for what an action does in itself.

A family says *what kind of evidence* a feature is; a feature's *topic* says what it is about, so that a person is not
told the same thing thrice. The families are those of the taxonomy in ``docs/reference/signal-coverage.md``.
"""

from enum import StrEnum
from typing import Final


class Family(StrEnum):
    """What kind of evidence a feature is."""

    NOVELTY = "novelty"
    SURPRISE = "surprise"
    TIME = "time"
    TRAVEL = "travel"
    VOLUME = "volume"
    FAILURES = "failures"
    SESSION = "session"
    PEERS = "peers"
    RESOURCE = "resource"
    POSTURE = "posture"
    NETWORK = "network"
    SEQUENCE = "sequence"
    WORKLOAD = "workload"
    ACCOUNT = "account"
    BIOMETRICS = "biometrics"
    QUALITY = "quality"
    DEED = "deed"


MEANING: Final[dict[Family, str]] = {
    Family.NOVELTY: "first seen for the subject, its peers, the tenant; how old and how idle a habit is",
    Family.SURPRISE: "how unlikely, against subject, peers and tenant; one access, a sitting, or weeks of slow drift",
    Family.TIME: "hours, days, pauses and time zones against the subject's own",
    Family.TRAVEL: "how far and how fast places change",
    Family.VOLUME: "how much in five minutes, an hour, a day, a week, against the subject's and its peers' usual",
    Family.FAILURES: "failed, denied and weakened proofs: brute force, spraying, stuffing, fatigue, downgrade",
    Family.SESSION: "the token and the sitting: age, binding, replay, change of hands, scope",
    Family.PEERS: "who else does this: peers, colleagues, the access graph",
    Family.RESOURCE: "what is touched: worth, owner, crowd, personal columns, production",
    Family.POSTURE: "the state of the device",
    Family.NETWORK: "what kind of network it is, who else comes from it, and whether the client is what it says",
    Family.SEQUENCE: "what follows what: next-action surprise, enumeration, breadth first",
    Family.WORKLOAD: "pipelines and language models: provenance, egress, prompts, tools, taint",
    Family.ACCOUNT: "the account itself: tenure, privilege, leaving, tickets, verdicts so far",
    Family.BIOMETRICS: "what the behavioural biometrics say of the session",
    Family.QUALITY: "what is not told and how deep the history is: absent never reads as safe",
    Family.DEED: "what the action does in itself, whoever does it",
}
