"""What is written down of each access to a dataset beside its decision: what really came of it.

- A record of kind ``dataset`` names the decision, the object, the range, how many bytes left, and how it ended.
- It is written at the end, also when the caller broke off, the store failed, or a rule of the door said no. Names of
  objects are escaped: no name breaks a line or a terminal of whoever reads the log.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.keys import random_bytes
from ostiary.pipeline.datasets.names import printable
from ostiary.server.doors import Caller
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "dataset"
WAIT_S: Final = 10.0


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, tag=KIND, tag_field="type"):
    """How one access ended.

    Attributes:
        action: such as ``dataset.read``.
        dataset, object: what it was about.
        outcome: ``done``, ``broken_off`` or ``refused``.
        decision: the id of the decision that let it in; empty when it never came to one.
        code: why it was refused or broken off.
        start, length: the range.
        bytes: how many left, or came.
        etag: the version.
        digest: of the object, as ``sha256:…``, when it is known.
        manifest: the dataset's digest, when a manifest vouched for it.
        token: the id of the token.
    """

    action: str
    dataset: str
    object: str
    outcome: str
    decision: str = ""
    code: str = ""
    start: int = 0
    length: int = 0
    bytes: int = 0
    etag: str = ""
    digest: str = ""
    manifest: str = ""
    token: str = ""
    v: int = 1


class Records:
    """Writes outcomes into the log of a house."""

    def __init__(self, house: House, on_fault: Callable[[str, BaseException], None]) -> None:
        """Take the house, and whom to tell when a record cannot be written."""
        self._house = house
        self.on_fault = on_fault

    def queue(self, caller: Caller, outcome: Outcome) -> Future[Any] | None:
        """Write an outcome, without waiting; a failure is told to whoever mends the server."""
        token = caller.identity.token
        told = msgspec.structs.replace(
            outcome, object=printable(outcome.object), token=token.token_id if token is not None else ""
        )
        now = self._house.clock.now_ns()
        record_id = make_id("ds", now, random_bytes(RANDOM_BYTES))
        subject = f"{caller.identity.subject_type}:{caller.identity.subject_id}"
        payload = msgspec.json.encode(told)
        try:
            written = self._house.log.append(caller.tenant, KIND, record_id, now, payload, subject)
        except OstiaryError as fault:
            self.on_fault(fault.code, fault)
            return None
        written.add_done_callback(self._written)
        return written

    def write(self, caller: Caller, outcome: Outcome) -> None:
        """Write an outcome and wait until it is on disk: for what changes a dataset.

        Raises:
            UnavailableError: it cannot be written.
        """
        written = self.queue(caller, outcome)
        if written is not None:
            written.result(timeout=WAIT_S)

    def _written(self, written: Future[Any]) -> None:
        fault = written.exception()
        if fault is not None:
            self.on_fault(getattr(fault, "code", "dataset_not_recorded"), fault)
