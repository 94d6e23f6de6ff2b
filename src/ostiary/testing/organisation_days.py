"""One simulated day of one person or machine: when they log in, from where, and what they touch."""

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

from ostiary.testing.organisation_cast import ACTIONS, Deed, Person
from ostiary.vocabulary.events import AccessEvent, EventOutcome

NS: Final = 1_000_000_000
DAY_S: Final = 86_400
SOURCE: Final = "simulated"
_HOUR_S: Final = 3_600
_WORKDAYS: Final = 5
_AT_HOME: Final = 0.35
_RARE: Final = 0.08
_WEEKEND: Final = 0.04
_ABSENT: Final = 0.08
_MFA_FORGOTTEN: Final = 0.04
_LUNCH_S: Final = 1_800


def event_of(
    person: Person, time_s: int, deed: Deed, tenant: str, number: int, *, ip: str, session: str, age_s: float
) -> AccessEvent:
    """Return one access of ``person``; fields beside the arguments are the person's own."""
    kind, name, action = deed
    machine = person.kind == "service"
    return AccessEvent(
        event_id=f"sim-{person.name}-{time_s}-{number}",
        tenant=tenant,
        time_ns=time_s * NS,
        subject_id=person.name,
        subject_type=person.kind,
        action=action,
        resource_type=kind,
        resource_id=name,
        action_class=ACTIONS[action],
        outcome=EventOutcome.SUCCESS,
        session_id=session,
        client_id="batch" if machine else "sso",
        issuer="https://id.example.org",
        auth_method="key" if machine else "pwd",
        mfa=None if machine else True,
        auth_age_s=age_s,
        ip=ip,
        country=person.country or None,
        device_id=person.device,
        device_managed=True,
        user_agent=person.agent,
        tz_offset_min=person.offset_min,
        groups=person.groups,
        source=SOURCE,
    )


class Day:
    """One local day, from its midnight."""

    def __init__(self, person: Person, midnight_s: int, tenant: str, luck: Random) -> None:
        """Take who, when (seconds UTC of the local midnight) and the dice."""
        self._person, self._midnight, self._tenant, self._luck = person, midnight_s, tenant, luck
        self._number = 0

    def events(self) -> Iterator[AccessEvent]:
        """Yield what happens."""
        if self._person.kind == "service":
            yield from self._machine()
        elif self._luck.random() >= self._away():
            yield from self._work()

    def _away(self) -> float:
        weekday = ((self._midnight + self._person.offset_min * 60) // DAY_S + 3) % 7
        return _ABSENT if weekday < _WORKDAYS else 1 - _WEEKEND

    def _machine(self) -> Iterator[AccessEvent]:
        for hour in range(0, 24, 4):
            for deed in self._person.usual:
                yield self._event(
                    self._midnight + hour * _HOUR_S + self._luck.randrange(120), deed, f"cron-{hour}", 0.0
                )

    def _work(self) -> Iterator[AccessEvent]:
        person, luck = self._person, self._luck
        ip = person.home if luck.random() < _AT_HOME else person.office
        begin = self._midnight + int((person.start + luck.gauss(0, 0.5)) * _HOUR_S)
        length = max(2 * _HOUR_S, int((person.hours + luck.gauss(0, 0.7)) * _HOUR_S))
        for half in range(2):
            start = begin + half * (length // 2 + _LUNCH_S)
            session = f"{person.name}-{start}"
            yield self._login(start, session, ip)
            moments = sorted(luck.randrange(60, length // 2) for _ in range(luck.randrange(2, 7)))
            for after in moments:
                yield self._event(start + after, self._deed(), session, float(after), ip)

    def _login(self, time_s: int, session: str, ip: str) -> AccessEvent:
        event = self._event(time_s, ("application", "sso", "login"), session, 0.0, ip)
        if self._luck.random() < _MFA_FORGOTTEN:
            return msgspec.structs.replace(event, mfa=False)
        return event

    def _deed(self) -> Deed:
        person, luck = self._person, self._luck
        if person.rare and luck.random() < _RARE:
            return luck.choice(person.rare)
        return person.usual[min(int(luck.expovariate(0.9)), len(person.usual) - 1)]

    def _event(self, time_s: int, deed: Deed, session: str, age_s: float, ip: str = "") -> AccessEvent:
        self._number += 1
        address = ip or self._person.office
        return event_of(
            self._person, time_s, deed, self._tenant, self._number, ip=address, session=session, age_s=age_s
        )
