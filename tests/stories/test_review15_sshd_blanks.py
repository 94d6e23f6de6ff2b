"""Guesses at log-ins with a blank in the name, or with none, were read by nobody: sshd writes it as it is typed."""

import pytest

from ostiary.signals.importing import Accepted, read

LINE = (
    "2024-05-01T10:00:00Z bastion sshd[1]: Failed password for invalid user {name} from 203.0.113.7 port 51234 ssh2\n"
)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("a b", "a b"),
        ("", "unknown"),
        (" ", "unknown"),
        ("root from 192.0.2.1 port 22 ssh2", "root from 192.0.2.1 port 22 ssh2"),
        ("x from 192.0.2.1 port 22 ssh2: RSA SHA256:abcd", "x from 192.0.2.1 port 22 ssh2: RSA SHA256:abcd"),
        ("n" * 400, "n" * 400),
    ],
)
def test_a_failed_log_in_is_read_whatever_was_typed(name: str, subject: str) -> None:
    [found] = read("sshd", [LINE.format(name=name).encode()], "acme")
    assert isinstance(found, Accepted), found
    event = found.event
    assert (event.subject_id, event.outcome.value, event.ip) == (subject, "failure", "203.0.113.7")
