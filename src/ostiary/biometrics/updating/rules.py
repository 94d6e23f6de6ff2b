"""How a template may learn: the numbers, and a window's moment.

Log-likelihood ratios are nats against the anchor or the adaptive template, one window; distances are ``Model.apart``,
deviations of a person's own windows. The watch was set on open people (``benchmarks/biometrics_drift.py``).
"""

from typing import Final

import msgspec


class Rules(msgspec.Struct, frozen=True):
    """The numbers.

    Attributes:
        accept: nats that a window must have against both templates to be the person's at all.
        update: nats that it must have against both to be learned from; never below ``accept``.
        below: how far under the person's own level a window may lie and still be learned from.
        share: of the way towards a window that the template goes.
        day_cap: the furthest that a template goes in a day.
        total_cap: the furthest that it ever is from its anchor.
        quarantine_s: how long a window waits before it counts.
        most_waiting: more windows than this do not wait.
        steady: after the enrolment so many windows still tell how well the person fits the anchor; then that is fixed.
        slack: nats under that level that are no sign of anything.
        ageing: nats a year that the person may lose beyond that: people change slowly, attackers have no year.
        apart: nats that the adaptive template may judge a window better than the anchor, without that being a sign.
        one: the most nats that one window adds to or takes from the sum.
        hold: at this sum of missing nats nothing is learned until it is back at 0.
        height: at this sum there is an alarm.
    """

    accept: float = 0.0
    update: float = 1.0
    below: float = 1.5
    share: float = 0.05
    day_cap: float = 0.25
    total_cap: float = 1.0
    quarantine_s: int = 86_400
    most_waiting: int = 64
    steady: int = 10
    slack: float = 1.6
    ageing: float = 5.0
    apart: float = 4.5
    one: float = 3.0
    hold: float = 3.0
    height: float = 40.0


RULES: Final = Rules()


class Moment(msgspec.Struct, frozen=True):
    """When a window was made, in which session, and when that was proven.

    Attributes:
        session: its id.
        began_ns: when the window began.
        proven_ns: when the person last proved who they are in this session with something strong; 0 never.
        now_ns: when it is offered.
    """

    session: str
    began_ns: int
    proven_ns: int
    now_ns: int
