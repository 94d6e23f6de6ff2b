"""Templates that learn a person's slow changes and cannot be taught another person (ADR-0052)."""

from ostiary.biometrics.updating.learning import Offer, ended, nats, offered, settled
from ostiary.biometrics.updating.packing import anchor_digest, pack_state, unpack_state
from ostiary.biometrics.updating.rules import RULES, Moment, Rules
from ostiary.biometrics.updating.state import State, Waiting, begin
from ostiary.biometrics.updating.versions import Version, Whose, first, following, replacing, replacing_deed, verified

__all__ = [
    "RULES",
    "Moment",
    "Offer",
    "Rules",
    "State",
    "Version",
    "Waiting",
    "Whose",
    "anchor_digest",
    "begin",
    "ended",
    "first",
    "following",
    "nats",
    "offered",
    "pack_state",
    "replacing",
    "replacing_deed",
    "settled",
    "unpack_state",
    "verified",
]
