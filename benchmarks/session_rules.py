"""Static session rules, as published products describe theirs: what session risk is measured against.

Each rule is on from its first firing to the session's end; a session's score is the sum of the points of the rules that
fired. Points are 1, 2 and 4 for what tirreno calls medium, high and extreme; the volume's limit and the threshold on
the sum are set on the training part, at the same budget of false alarms as the model's.

| rule | after | points |
|---|---|---|
| country, or where none is told UTC offset, never seen of this subject | Okta and Entra "new country" | 2 |
| another country or UTC offset within two hours, no tunnel at either end | Entra ``impossibleTravel`` | 4 |
| device never seen of this subject | Okta "new device", tirreno | 2 |
| hosting, proxy or Tor network never seen of this subject | Entra ``anonymizedIPAddress``, Keycloak | 2 |
| outside 7 to 19 o'clock or at a weekend, on what is restricted | Keycloak (time) | 2 |
| between 0 and 5 o'clock, where no sensitivity is told | tirreno (night) | 1 |
| three failed or refused accesses in the session | tirreno (3 in 8), Keycloak | 2 |
| device reports endpoint protection off, rooted or not attested | "require compliant device" | 2 |
| another key or another client than the session began with | token theft, Entra ``anomalousToken`` | 2 |
| two step-ups failed, or three accesses since an open one | MFA fatigue, Entra | 2 |
| more objects in the session than 99 % of the training part's | Entra mass access, Elastic high_sum | 2 |
| collection never used by this subject | Elastic rare | 1 |
| five resources of this session never used by this subject | tirreno | 1 |
"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.facts import NetworkKind

POINTS: Final = {
    "country": 2.0, "travel": 4.0, "device": 2.0, "network": 2.0, "hours": 2.0, "failures": 2.0, "posture": 2.0,
    "key": 2.0, "step_up": 2.0, "volume": 2.0, "breadth": 1.0, "night": 1.0, "collection": 1.0,
}  # fmt: skip
_TUNNELS: Final = {NetworkKind.VPN, NetworkKind.PROXY, NetworkKind.TOR}
_SHADY: Final = {NetworkKind.HOSTING, NetworkKind.PROXY, NetworkKind.TOR}
_TRAVEL_S: Final = 7_200
_BAD: Final = {EventOutcome.DENIED, EventOutcome.FAILURE}


class RuleSession:
    """One session under the rules."""

    def __init__(self) -> None:
        """Begin with nothing fired."""
        self.fired: set[str] = set()
        self.failures = self.strange = self.ignored = 0
        self.amount = 0.0
        self.first: tuple[str | None, str | None] = (None, None)

    def score(self, limit: float) -> float:
        """Return the points; a thousandth of the amount orders sessions with the same."""
        fired = self.fired | ({"volume"} if self.amount > limit else set())
        return sum(POINTS[name] for name in fired) + min(self.amount, 1e9) * 1e-12


class Rules:
    """All rules over a stream; remembers where each subject was last."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._last: dict[str, tuple[int, str | None, int | None, bool]] = {}

    def observe(self, session: RuleSession, event: AccessEvent, history: History) -> None:
        """Let the rules see one access."""
        now, mine, values = history.moment.now, history.mine, history.values
        fired, known = session.fired, history.known
        kind = event.place.kind if event.place else None
        if known and _new_place(event, history):
            fired.add("country")
        if known and mine[Dim.COLLECTION] is None:
            fired.add("collection")
        if known and event.device_id is not None and mine[Dim.DEVICE] is None:
            fired.add("device")
        if known and kind in _SHADY and mine[Dim.NETWORK] is None:
            fired.add("network")
        self._travel(session, event, now, tunnel=kind in _TUNNELS)
        late = history.moment.weekend or not 7 <= history.moment.hour < 19  # noqa: PLR2004 - office hours
        if late and (event.sensitivity or 0) >= 3:  # noqa: PLR2004 - restricted
            fired.add("hours")
        if event.sensitivity is None and history.moment.hour < 5:  # noqa: PLR2004 - night
            fired.add("night")
        session.failures += event.outcome in _BAD
        if session.failures >= 3:  # noqa: PLR2004
            fired.add("failures")
        posture = event.posture
        if posture and (posture.edr_alive is False or posture.rooted or posture.attested is False):
            fired.add("posture")
        self._hands(session, event)
        session.strange += mine[Dim.RESOURCE] is None and values[Dim.RESOURCE] is not None
        if known and session.strange >= 5:  # noqa: PLR2004
            fired.add("breadth")
        session.amount += event.count or 0.0

    def _travel(self, session: RuleSession, event: AccessEvent, now: int, *, tunnel: bool) -> None:
        who = event.subject_id
        then, country, offset, was_tunnel = self._last.get(who, (now, None, None, False))
        moved = (country and event.country and country != event.country) or (
            offset is not None and event.tz_offset_min is not None and offset != event.tz_offset_min
        )
        if moved and now - then < _TRAVEL_S and not tunnel and not was_tunnel:
            session.fired.add("travel")
        self._last[who] = (now, event.country or country, event.tz_offset_min, tunnel)

    def _hands(self, session: RuleSession, event: AccessEvent) -> None:
        key = event.session.key if event.session else None
        first_key, first_agent = session.first
        if (first_key and key != first_key) or (first_agent and event.ua_family and event.ua_family != first_agent):
            session.fired.add("key")
        session.first = (first_key or key, first_agent or event.ua_family)
        facts = event.session
        if facts is not None:
            session.ignored = session.ignored + 1 if facts.step_up_open else 0
            if (facts.step_ups_failed or 0) >= 2 or session.ignored >= 3:  # noqa: PLR2004
                session.fired.add("step_up")


def _new_place(event: AccessEvent, history: History) -> bool:
    if event.country is not None:
        return history.mine[Dim.COUNTRY] is None
    return event.tz_offset_min is not None and history.mine[Dim.TIMEZONE] is None
