"""All that one worker keeps to serve inferences: budgets, the watch, the way to models, endpoints that were read."""

import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.decision.decide import why_over
from ostiary.defence.budgets import Budgets
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.probing import ProbeWatch
from ostiary.errors import UnavailableError
from ostiary.keys import random_bytes
from ostiary.pipeline.inference.endpoint import TYPE, EndpointSpec, read_spec
from ostiary.pipeline.inference.record import KIND
from ostiary.pipeline.inference.serving import Serving
from ostiary.pipeline.inference.upstream import Upstream
from ostiary.pipeline.registered import Registry
from ostiary.server.wiring import House
from ostiary.sessions import Asked, SessionLedger
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

RECORD_WAIT_S: Final = 10.0
_MAX_SPECS: Final = 256


class LogRecorder:
    """A ``Recorder`` over the audit log: one record of kind ``inference``, under its subject's name."""

    def __init__(self, log: AuditLog) -> None:
        """Write to ``log``."""
        self._log = log

    def record(self, tenant: str, record_id: str, time_ns: int, payload: bytes, subject_key: str) -> None:
        """Write one record and wait until it is on disk.

        Raises:
            UnavailableError: it is not.
        """
        future = self._log.append(tenant, KIND, record_id, time_ns, payload, subject_key)
        try:
            future.result(timeout=RECORD_WAIT_S)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "the record was not on disk in time") from late


class LedgerSessions:
    """``Sessions`` over the ledger."""

    def __init__(self, ledger: SessionLedger) -> None:
        """Look in ``ledger``."""
        self._ledger = ledger

    def why_over(self, asked: Asked, now_ns: int) -> str:
        """Return why an access is over, as the decision itself would find it now."""
        return why_over(self._ledger.standing(msgspec.structs.replace(asked, now_ns=now_ns))) or ""


class _Read(msgspec.Struct, frozen=True):
    told: dict[str, Any]
    spec: EndpointSpec


class Endpoints:
    """Registered endpoints, read; each is read again when its registration has changed."""

    def __init__(self, registry: Registry) -> None:
        """Look in ``registry``."""
        self._registry = registry
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[str, str], _Read] = OrderedDict()

    def find(self, tenant: str, name: str) -> EndpointSpec | None:
        """Return an endpoint's spec, or ``None``.

        Raises:
            OstiaryError: what is registered cannot be read.
        """
        registered = self._registry.get(tenant, TYPE, name)
        if registered is None:
            return None
        with self._lock:
            kept = self._read.get((tenant, name))
        if kept is not None and kept.told == registered.spec:
            return kept.spec
        spec = read_spec(registered.spec)
        with self._lock:
            self._read[tenant, name] = _Read(registered.spec, spec)
            if len(self._read) > _MAX_SPECS:
                self._read.popitem(last=False)
        return spec


class InferenceRoom:
    """What the door works with."""

    def __init__(self, house: House) -> None:
        """Put it together from ``house``."""
        settings = house.settings.inference
        self.settings = settings
        self.endpoints = Endpoints(house.registry)
        self.upstream = Upstream(settings.rules(), str(settings.ca_file or ""))
        self.serving = Serving(
            Budgets(house.store.budgets),
            Budgets(MemoryBudgets()),
            ProbeWatch(settings.limits()),
            LogRecorder(house.log),
            LedgerSessions(house.ledger),
            lambda now_ns: make_id("inf", now_ns, random_bytes(RANDOM_BYTES)),
            house.clock.now_ns,
        )
