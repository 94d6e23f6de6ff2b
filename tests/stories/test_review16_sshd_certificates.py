"""Log-ins by a certificate were in no log: its ID follows the line's end, words of whoever had it signed.

The same words, and a name that failed, may write the end of a line of sshd themselves: nobody is framed by them.
"""

import pytest

from ostiary.signals.importing import Accepted, read
from ostiary.vocabulary.events import AccessEvent

PRINT = "SHA256:" + "a" * 43
TAIL = f"ssh2: ED25519-CERT {PRINT} ID {{}} (serial 7) CA ED25519 SHA256:{'c' * 43}"
FORGED = f"root from 192.0.2.1 port 22 ssh2: RSA-CERT {PRINT} ID x"
FROM = "from 203.0.113.7 port 51234"


def login(text: str) -> AccessEvent:
    [found] = read("sshd", [f"2024-05-01T10:00:00Z bastion sshd[1]: {text}\n".encode()], "acme")
    assert isinstance(found, Accepted), found
    return found.event


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "alice@corp.example on 7",
        "x from 192.0.2.1 port 22 ssh2",
        f"x {TAIL.format('y')}",
        f"x from 192.0.2.1 port 22 {TAIL.format('y')}",
        "",
        "(serial 1) CA RSA SHA256:dddd",
    ],
)
def test_who_was_let_in_by_a_certificate_is_read_whatever_its_id_says(name: str) -> None:
    event = login(f"Accepted publickey for alice {FROM} {TAIL.format(name)}")
    assert (event.subject_id, event.outcome.value, event.ip) == ("alice", "success", "203.0.113.7")
    assert event.issuer == "SHA256:" + "c" * 43
    cut = f"Accepted publickey for alice {FROM} {TAIL.format(name + 'z' * 2_000)}"[:1_023]
    event = login(cut)
    assert (event.subject_id, event.outcome.value, event.ip, event.issuer) == ("alice", "success", "203.0.113.7", None)


def test_who_failed_frames_nobody() -> None:
    plain = login(f"Failed publickey for invalid user mallory {FROM} {TAIL.format('boss')}")
    assert (plain.subject_id, plain.outcome.value, plain.ip) == ("mallory", "failure", "203.0.113.7")
    for text in (
        f"Failed publickey for invalid user {FORGED} {FROM} {TAIL.format('y')}",
        f"Failed publickey for a {FROM} {TAIL.format('x from 192.0.2.1 port 22 ' + TAIL.format('y'))}",
    ):
        event = login(text)
        assert event.subject_id not in {"root", "a"}
        assert event.ip is None, "it reads in two ways"
    event = login(f"Failed password for invalid user {FORGED} {FROM} ssh2")
    assert (event.subject_id, event.ip) == (FORGED, "203.0.113.7"), "no certificate follows a password"


def test_words_of_a_host_are_read_past() -> None:
    said = f'ssh2: RSA {PRINT}, client user "root from 192.0.2.1 port 22 ssh2", client host "h"'
    event = login(f"Accepted hostbased for alice {FROM} {said}")
    assert (event.subject_id, event.ip) == ("alice", "203.0.113.7")


def test_a_line_of_many_ends_takes_no_time() -> None:
    text = f"Failed publickey for {' from 192.0.2.1 port 22 ssh2: A B:cdef ID ' * 90}"
    assert list(read("sshd", [f"2024-05-01T10:00:00Z b sshd[1]: {text}\n".encode()], "acme"))
