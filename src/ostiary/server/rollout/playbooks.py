"""How far each playbook is rolled out, as the rollout has it: implements ``response.ports.PlaybookPhases``.

- What a person has set holds for the playbook, whoever set it off. Where nothing is set its own word holds, but not
  for what may come from a model: no file promotes itself (``response.plan``).
- A state that cannot be believed, and the kill switch of all playbooks, stop what may come from a model and nothing
  else: a verified signal is answered as before.
- A state that nobody can read now says nothing: neither that a model's playbook is off, for a plan is made once, nor
  that a person never held one back. Whatever was to be done is done when it can be told.
"""

from collections.abc import Callable

from ostiary.decision.ports import Directory
from ostiary.errors import OstiaryError
from ostiary.server.rollout.in_force import InForce, unknown
from ostiary.server.rollout.statement import ALL_PLAYBOOKS
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import Where


class PlaybookRollout:
    """Playbooks' phases; groups come from the directory."""

    def __init__(self, in_force: Callable[[str], InForce], directory: Directory) -> None:
        """Take what tells what is in force for a tenant."""
        self._in_force = in_force
        self._directory = directory

    def phase(self, tenant: str, control: str, subject: str = "", *, model: bool = False) -> Phase | None:
        """Return what holds for one subject (``type:id``), or ``None`` when nothing was ever said.

        Raises:
            UnavailableError: ``phases_unavailable``: nobody can tell now.
        """
        held = self._in_force(tenant)
        if held.away:
            raise unknown(tenant)
        killed = held.read is not None and held.read.state.is_killed(ALL_PLAYBOOKS)
        if model and (held.broken or killed):
            return Phase.TELEMETRY
        return held.rules.phase(control, Where(subject, groups=self._groups(tenant, subject)))

    def _groups(self, tenant: str, subject: str) -> tuple[str, ...]:
        kind, _, name = subject.partition(":")
        try:
            return self._directory.subject(tenant, kind, name).groups if name else ()
        except OstiaryError:  # nobody's groups are known now: no scope of a group holds
            return ()
