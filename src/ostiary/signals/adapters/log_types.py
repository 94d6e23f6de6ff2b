"""Every log type that a table reads as a format of its own: ``github_audit``, ``gsuite_audit``, ``slack_audit``.

A record that tells no time is refused here (``time_malformed``); an envelope that says when it was received goes
through ``panther``.
"""

from ostiary.signals.logtypes.reading import Table
from ostiary.signals.logtypes.registry import log_types, normaliser_of


def tables() -> tuple[Table, ...]:
    """Return each log type with its normaliser."""
    return tuple(
        Table(kind.format, kind.describe, kind.envelopes, normaliser_of(name)) for name, kind in log_types().items()
    )
