"""The device flow (RFC 8628): a code is shown, a person approves it in a browser, the command waits for the token.

- The wait obeys the provider: its interval, five seconds more at each ``slow_down``, its expiry, and ours.
- The address and the code are the provider's words: shown only when the address is https and both are printable.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.login.granting import Granted, Granting, printable, refused
from ostiary.identity.login.provider import check_address
from ostiary.identity.login.talking import UNAVAILABLE, Answer, Talk
from ostiary.vocabulary.clock import Clock

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_OK: Final = 200
_NS: Final = 1_000_000_000
_SLOWER_S: Final = 5  # RFC 8628 §3.5
_INTERVAL_S: Final = 5  # RFC 8628 §3.2, where the provider does not say
_LONGEST_S: Final = 1800
_MAX_CODE: Final = 4096


class Shown(msgspec.Struct, frozen=True):
    """What the person is shown.

    Attributes:
        user_code: to be typed there.
        address: where to go.
        whole: an address that holds the code already; empty where the provider gives none.
        expires_ns: until when.
        interval_s: how long to wait between two questions.
    """

    user_code: str
    address: str
    whole: str
    expires_ns: int
    interval_s: int


class _Secret(msgspec.Struct, frozen=True):
    shown: Shown
    device_code: str


def begin(granting: Granting, talk: Talk, client_id: str, scope: str, clock: Clock) -> _Secret:
    """Begin a sign-in.

    Raises:
        RefusedError: ``login_refused``.
        UnavailableError: ``provider_unavailable``.
    """
    form = {"client_id": client_id, "scope": scope}
    answer = talk.post(granting.provider.device, form)
    if answer.status != _OK:
        raise refused(answer)
    return _read(answer, clock.now_ns())


def wait(granting: Granting, begun: _Secret, clock: Clock, sleep: Callable[[float], None]) -> Granted:
    """Return the tokens once the person has approved.

    Raises:
        RefusedError: ``login_refused``: the person or the provider said no; ``login_expired``: nobody did in time.
        UnavailableError: ``provider_unavailable``.
    """
    interval = begun.shown.interval_s
    form = {"grant_type": GRANT, "device_code": begun.device_code}
    while clock.now_ns() < begun.shown.expires_ns:
        sleep(interval)
        answer = granting.ask(form)
        match answer.told.get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += _SLOWER_S
            case "expired_token":
                break
            case _:
                return granting.granted(answer)
    raise RefusedError("login_expired", "nobody approved the sign-in in time: run the command again")


def _read(answer: Answer, now_ns: int) -> _Secret:
    told = answer.told
    code, user_code = told.get("device_code"), printable(told.get("user_code"), 64)
    if not isinstance(code, str) or not 0 < len(code) <= _MAX_CODE or not user_code:
        raise UnavailableError(UNAVAILABLE, "the provider's answer begins no sign-in")
    try:
        address = check_address(str(told.get("verification_uri", "")), "the provider's address for the code")
        whole = told.get("verification_uri_complete", "")
        whole = check_address(whole, "the provider's address for the code") if isinstance(whole, str) and whole else ""
    except FaultyInputError as fault:
        raise UnavailableError(UNAVAILABLE, fault.message) from fault
    life = _seconds(told, "expires_in", _LONGEST_S, _LONGEST_S)
    return _Secret(
        Shown(user_code, address, whole, now_ns + life * _NS, _seconds(told, "interval", _INTERVAL_S, 60)), code
    )


def _seconds(told: dict[str, Any], name: str, default: int, most: int) -> int:
    value = told.get(name, default)
    return min(value, most) if isinstance(value, int) and value > 0 else default
