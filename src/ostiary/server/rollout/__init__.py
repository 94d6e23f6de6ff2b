"""The rollout of what models may do: a signed chain of states, gates, promotion, demotion, the kill switch.

``statement`` what is signed · ``chain`` the log's word on it · ``force`` the phases in force (a ``PhaseSource``) ·
``gathering`` what a gate is shown · ``changing`` what people do · ``watching`` what demotes by itself · ``telling`` who
hears of it · ``shown`` what people see · ``desk`` all of it over an open house.
"""

from collections.abc import Mapping
from pathlib import Path

from ostiary.audit import AuditLog
from ostiary.decision.ports import Directory
from ostiary.keys import KeyRing, TenantSecrets
from ostiary.server.rollout.chain import Chain, OnFault
from ostiary.server.rollout.force import Rollout
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Control, Phase

FOLDER = "canaries"

__all__ = ["Rollout", "open_rollout"]


def open_rollout(
    configured: Mapping[Control, Phase],
    log: AuditLog,
    ring: KeyRing,
    keys: Path,
    directory: Directory,
    clock: Clock,
    on_fault: OnFault,
) -> Rollout:
    """Return the phases of every tenant over the log; ``keys`` is the folder that holds the canaries' secrets too."""
    chain = Chain(log, ring, clock, on_fault)
    return Rollout(configured, chain, TenantSecrets(keys / FOLDER), directory, clock, on_fault)
