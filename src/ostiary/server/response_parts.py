"""What a process puts around responses: switches of enforcement points, the parts.

``open_responding`` puts everything together and makes it listen.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import Any

from ostiary.artifacts.shipped import policies_dir
from ostiary.artifacts.verifying import signed_digest
from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import VerifyingKey
from ostiary.response.backoff import Backoff
from ostiary.response.handlers import handlers
from ostiary.response.outbox import Outbox
from ostiary.response.ports import DeviceControl, PlaybookPhases
from ostiary.response.shelf import Shelf
from ostiary.server.places import Places
from ostiary.server.responding import Responding
from ostiary.server.scorers import Scorers
from ostiary.server.settings.export import ExportSection
from ostiary.server.settings.response import ResponseSection
from ostiary.server.sinks import sinks_of
from ostiary.server.streams import streams_of
from ostiary.sessions import SessionLedger
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

OnFault = Callable[[str, BaseException], None]


class PepTokens:
    """Switches enforcement points off and on; implements ``response.ports.TokenControl``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Change those in ``store``."""
        self._peps = store.peps
        self._clock = clock

    def disable(self, tenant: str, name: str) -> bool:
        """Make one unknown."""
        return self._turn(tenant, name, disabled=True)

    def enable(self, tenant: str, name: str) -> bool:
        """Make one known again."""
        return self._turn(tenant, name, disabled=False)

    def _turn(self, tenant: str, name: str, *, disabled: bool) -> bool:
        pep = self._peps.find(name)
        if pep is None or pep.tenant != tenant:
            raise RefusedError("pep_unknown", "there is no such enforcement point")
        if pep.disabled is disabled:
            return False
        return self._peps.save(dataclasses.replace(pep, disabled=disabled), self._clock.now_ns())


def open_responding(
    places: Places,
    settings: ResponseSection,
    export: ExportSection,
    store: Store,
    log: AuditLog,
    ledger: SessionLedger,
    scorers: Scorers,
    clock: Clock,
    on_fault: OnFault,
    keys: Callable[[str], list[VerifyingKey]],
    phases: PlaybookPhases,
    devices: DeviceControl | None = None,
) -> Responding:
    """Put responses together and make them listen; without a book of devices nobody quarantines one.

    ``keys`` are those whose models a tenant believes, ``phases`` how far each playbook is rolled out.

    Raises:
        OstiaryError: a sink's settings or secret cannot be used.
    """
    sinks = sinks_of(settings)
    streams = streams_of(export, log, store.cards, clock, on_fault, _backoff())
    if {(one.tenant, one.name) for one in sinks} & {(one.tenant, one.name) for one in streams}:
        raise FaultyInputError("stream_exists", "a sink and a stream of one tenant have the same name")
    outbox = Outbox(store.cards, sinks, clock, on_fault, _backoff(), streams)

    def make_handlers(responding: Responding) -> list[Any]:
        return handlers(
            sessions=ledger,
            devices=devices,
            tokens=PepTokens(store, clock),
            blocks=responding.blocks,
            on_block=scorers.reload,
            cases=responding.cases,
            outbox=outbox,
        )

    responding = Responding(
        store,
        log,
        settings,
        clock,
        shelf=Shelf(_shipped(), places.playbooks, clock.now_ns, on_fault),
        outbox=outbox,
        make_handlers=make_handlers,
        phases=phases,
        on_fault=on_fault,
        backoff=_backoff(),
        streams=tuple(streams),
    )
    ledger.listen(responding.changed)
    scorers.tell_tampered(
        lambda tenant, source, fault: responding.tampered(tenant, source, fault, signed_digest(source, keys(tenant)))
    )
    return responding


def _backoff() -> Backoff:
    return Backoff(jitter=SystemRandom().random)


def _shipped() -> Path:
    return policies_dir() / "playbooks"
