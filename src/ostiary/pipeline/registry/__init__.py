"""The registry of models: what is known of each version, what is live where, and who agreed to it (ADR-0027).

- A version comes in verified and with its provenance (``registering``), becomes live by a validation report and the
  approval of several people (``promoting``), and is asked all of it again at every load (``loading``).
- Rows stand in a table, their digests in the audit log: a row that was changed behind the log's back is refused.
- History is read from the log alone (``history``).
"""

from ostiary.pipeline.registry.approving import TwoKeyCheck
from ostiary.pipeline.registry.changing import Warden
from ostiary.pipeline.registry.journal import Journal
from ostiary.pipeline.registry.loading import Loader, Ticket
from ostiary.pipeline.registry.model import Actor, Event, Live, ModelFile, State, Trainer, Version
from ostiary.pipeline.registry.people import People, PeopleFolder
from ostiary.pipeline.registry.promoting import Asked, Promoter
from ostiary.pipeline.registry.registering import Registrar

__all__ = [
    "Actor",
    "Asked",
    "Event",
    "Journal",
    "Live",
    "Loader",
    "ModelFile",
    "People",
    "PeopleFolder",
    "Promoter",
    "Registrar",
    "State",
    "Ticket",
    "Trainer",
    "TwoKeyCheck",
    "Version",
    "Warden",
]
