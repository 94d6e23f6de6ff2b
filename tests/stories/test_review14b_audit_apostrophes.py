"""Whoever guesses at log-ins with an apostrophe in the name was read by nobody: auditd writes it as it is typed.

auditd writes names with a space or a quote in hex; the `msg` of a record was cut at the apostrophe, the record refused.
"""

import pytest

from ostiary.signals.importing import Accepted, read

LINE = (
    "type=USER_LOGIN msg=audit(1700000000.123:7): pid=9 uid=0 auid=4294967295 ses=4294967295 "
    'msg=\'op=login acct="{name}" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.9 terminal=ssh res=failed\'{more}\n'
)


@pytest.mark.parametrize("more", ["", '\x1dUID="root" AUID="unset"'])
@pytest.mark.parametrize("name", ["ann", "o'neil", "'", "x'auid=0", "x'res=success", "a''b'", "'acct=root'"])
def test_a_failed_log_in_is_read_whatever_was_typed(name: str, more: str) -> None:
    [found] = read("auditd", [LINE.format(name=name, more=more).encode()], "acme")
    assert isinstance(found, Accepted), found
    event = found.event
    assert (event.subject_id, event.outcome.value, event.ip) == (name, "failure", "192.0.2.9")


def test_a_line_of_apostrophes_is_refused_in_no_time() -> None:
    for text in ("'" * 16_000, "msg='" * 3_200, "msg='" + "'a" * 7_000, "a='" + "' '" * 5_000):
        line = f"type=USER_LOGIN msg=audit(1700000000.123:7): {text}\n".encode()
        assert len(list(read("auditd", [line], "acme"))) == 1
