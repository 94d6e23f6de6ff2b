"""What all doors of the pipeline have in common: who comes, and whether the decision lets them in."""

from ostiary.server.doors.caller import Caller
from ostiary.server.doors.keeper import Asked, Keeper, Passed
from ostiary.server.doors.parts import Doors
from ostiary.server.doors.turned_away import TurnedAway

__all__ = ["Asked", "Caller", "Doors", "Keeper", "Passed", "TurnedAway"]
