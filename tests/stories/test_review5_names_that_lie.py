"""A session's name comes from outside: it neither writes on an administrator's terminal nor hides another one."""

import pytest

from ostiary.cli.output import print_table
from ostiary.server.sessions import find_session, shown
from ostiary.sessions import Asked, SessionLedger

ESCAPE = "\x1b[2J\x1b]0;all is well\x07\u202e"


def test_a_table_shows_control_characters_and_obeys_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("sessions", ("session",), [{"session": f"s1{ESCAPE}"}])
    told = capsys.readouterr().out
    assert "s1" in told
    assert not set(ESCAPE) & set(told) & {"\x1b", "\x07", "\u202e"}


def test_a_session_is_shown_without_them() -> None:
    ledger = SessionLedger()
    name = f"user\nann\ns1{ESCAPE}"
    ledger.touch(Asked("acme", (name,), "user:ann", 5, device_id=f"laptop{ESCAPE}"))
    session = ledger.find("acme", name)
    assert session is not None
    told = shown(session, 6)
    assert told["session"].isprintable()
    assert told["device"].isprintable()


def test_nobody_hides_anothers_session_behind_a_name_that_ends_like_it() -> None:
    ledger = SessionLedger()
    ledger.touch(Asked("acme", ("user\nann\ns1",), "user:ann", 5))
    ledger.touch(Asked("acme", ("user\nmallory\nx\ns1",), "user:mallory", 6))
    found = find_session(ledger, "acme", "s1")
    assert found is not None
    assert found.subject == "user:ann"
    ledger.terminate("acme", "user\nann\ns1", at_ns=7, reason="administrator")
    again = find_session(ledger, "acme", "s1")
    assert again is None, "what is done to `s1` must not be done to somebody who calls his own so"
