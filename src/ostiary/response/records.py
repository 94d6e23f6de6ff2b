"""What responses write into the audit log, before and after: records of kind ``response``, on disk on return.

A record says which step of which playbook, for which trigger, about whom, and how it went; never a secret or a text
from outside.
"""

from typing import Any, Final

import msgspec

from ostiary.decision.ports import Recorder
from ostiary.errors import UnavailableError
from ostiary.keys import sha256
from ostiary.response.plan import Planned
from ostiary.sessions import handle_of
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "response"
WAIT_S: Final = 10.0


class Records:
    """Writes records and waits for the disk."""

    def __init__(self, recorder: Recorder, wait_s: float = WAIT_S) -> None:
        """Write to ``recorder``."""
        self._recorder = recorder
        self._wait_s = wait_s

    def step(self, what: str, step: Planned, now_ns: int, **told: Any) -> str:
        """Record what happens to one step: ``begin``, ``done``, ``failed``, ``approved``, ….

        Raises:
            UnavailableError: the log cannot be written; the step must not be done.
        """
        body = {
            "step": step.name,
            "do": step.step.do,
            "playbook": step.playbook,
            "playbook_digest": step.playbook_digest,
            "trigger": {"kind": step.trigger.kind, "id": step.trigger.id},
            "session": handle_of(step.tenant, step.trigger.session_id) if step.trigger.session_id else "",
            "device_id": step.trigger.device_id,
            "attempt": step.attempts,
            "by": step.by,
            "outcome": step.outcome,
            "fault": step.fault,
        }
        seed = f"{step.name}/{what}/{step.attempts}/{step.by}"
        return self.write(what, step.tenant, step.trigger.subject, seed, now_ns, {**body, **told})

    def write(self, what: str, tenant: str, subject: str, seed: str, now_ns: int, told: dict[str, Any]) -> str:
        """Record anything else; ``seed`` makes the record's id, with the time. Return that id.

        Raises:
            UnavailableError: the log cannot be written.
        """
        # Deterministic: this room draws no random number. Time and seed together are unique within a tenant.
        record_id = make_id("rsp", now_ns, sha256(f"{tenant}/{seed}".encode())[:RANDOM_BYTES])
        shown = {name: value for name, value in told.items() if value is not None and value != ""}
        payload = msgspec.json.encode({"v": 1, "type": KIND, "what": what, **shown})
        waiting = self._recorder.append(tenant, KIND, record_id, now_ns, payload, subject)
        try:
            waiting.result(timeout=self._wait_s)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "the record was not on disk in time") from late
        return record_id
