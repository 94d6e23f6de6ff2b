"""What the room of behaviour does beside the requests, and what it shows of itself; nothing where it is off."""

from typing import Final

from ostiary.server.chores import Chore
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.wiring import House

FLUSH_S: Final = 5.0
TEND_S: Final = 15.0


def behaviour_chores(house: House) -> list[Chore]:
    """Return what is to be done now and then."""
    room = house.biometrics
    if room is None:
        return []
    return [Chore("biometrics_not_saved", FLUSH_S, room.flush), Chore("biometrics_not_tended", TEND_S, room.tend)]


def behaviour_gauges(metrics: Metrics, house: House) -> None:
    """Show how many windows were judged, and of how many sessions anything is known."""
    room = house.biometrics
    if room is None:
        return
    metrics.gauge("ostiary_behaviour_judged", "windows of behaviour judged", lambda: room.taken)
    metrics.gauge("ostiary_behaviour_dropped", "windows that nobody judged", lambda: room.dropped)
    metrics.gauge("ostiary_behaviour_sessions", "sessions with evidence", lambda: len(room.sessions))
