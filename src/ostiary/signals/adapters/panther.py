"""Records of any of 97 log types as Panther names them, with ``p_log_type`` or in an envelope.

Rules:
- An envelope is ``{"log_type": "GitHub.Audit", "log": {...}, "received": "2024-05-01T10:00:00Z"}``.
- What the envelope says goes before what a record says of itself, which counts when there is nothing else, or when the
  envelope's word fits the record not at all: whoever is logged may have a say in its fields. A record with
  ``p_log_type``, fields of its own and one called ``log`` is no envelope.
- ``log_type`` chooses the table; a list offers candidates of which the best fitting is taken; without one the record is
  compared with all tables. A name that no table has, or a
  record that fits none, is read by the well-known names of fields alone.
- ``received`` in the envelope is when the record came in; it counts when the record itself tells no time. Without
  either the record is a ``time_malformed``: no time is made up.
- Whole records of a kind that has an adapter of its own (CloudTrail, Kubernetes, Okta) go through that one.
"""

import importlib
from functools import cache
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.logtypes.choosing import best_of
from ostiary.signals.logtypes.reading import Normalise, normaliser
from ostiary.signals.logtypes.registry import log_types, normaliser_of
from ostiary.signals.logtypes.table import LogType
from ostiary.signals.pieces import Shape
from ostiary.vocabulary.events import AccessEvent

FORMAT: Final = "panther"
DESCRIBE: Final = "records of 97 log types with `p_log_type`, or in an envelope {log_type, log, received}"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("events", "results")

_SAYING: Final = frozenset({"log_type", "log_types", "received"})
_ALONE: Final = frozenset({"log", "p_log_type"})
_MAX_CANDIDATES: Final = 128
_UNKNOWN: Final = normaliser(LogType("unknown", "panther", "a record of no known kind", {}))
_INCOMPLETE: Final = frozenset({"field_missing", "class_unsupported", "record_malformed", "time_malformed"})


@cache
def _strict(name: str) -> Normalise:
    normalise: Normalise = importlib.import_module(f"ostiary.signals.adapters.{name}").normalise
    return normalise


def _candidates(told: Any) -> list[str]:
    if isinstance(told, list):
        return [each for each in told[:_MAX_CANDIDATES] if isinstance(each, str)]
    return [told] if isinstance(told, str) else []


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one record, in an envelope or bare."""
    log = record.get("log")
    if not isinstance(log, dict) or (_SAYING.isdisjoint(record) and not record.keys() <= _ALONE):
        return _event(record, _candidates(record.get("p_log_type")), None, tenant)
    own, received = _candidates(log.get("p_log_type")), record.get("received")
    said = _candidates(record.get("log_type") or record.get("p_log_type") or record.get("log_types"))
    if not said or (len(own) == 1 and own[0] in said):
        return _event(log, own, received, tenant)
    try:
        return _event(log, said, received, tenant)
    except FaultyInputError:
        if not own:
            raise
    return _event(log, own, received, tenant)


def _event(log: dict[str, Any], candidates: list[str], received: Any, tenant: str) -> AccessEvent:
    sole = candidates[0] if len(candidates) == 1 and candidates[0] in log_types() else None
    name = sole or best_of(log, candidates)
    kind = log_types().get(name or "")
    if kind is None:
        return _stamped(_UNKNOWN, log, received, tenant)
    if kind.strict:
        try:
            return _strict(kind.strict)(log, tenant)
        except FaultyInputError as fault:
            if fault.code not in _INCOMPLETE:
                raise
    return _stamped(normaliser_of(kind.name), log, received, tenant)


def _stamped(read: Normalise, log: dict[str, Any], received: Any, tenant: str) -> AccessEvent:
    """Return the event; a record without a time has the time of its receipt."""
    try:
        return read(log, tenant)
    except FaultyInputError as fault:
        if fault.code != "time_malformed" or received is None:
            raise
    return read(log, tenant, received)
