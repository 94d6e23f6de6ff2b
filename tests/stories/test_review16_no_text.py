r"""Whoever sends a byte that is no UTF-8, or half of a pair of UTF-16, was in no log: each of his records was refused.

nginx writes bytes above 127 as they come; whatever cuts a name in the middle of a character leaves half of it behind.
"""

from pathlib import Path

import pytest

from ostiary.signals.decoding import read_json
from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, read
from ostiary.signals.pieces import MAX_RECORD

NGINX = (
    b'{"time_iso8601":"2024-05-01T10:00:00Z","remote_addr":"203.0.113.7","request_method":"GET","uri":"/a","host":"h",'
    b'"status":"200","http_user_agent":"%s"}'
)
TRAIL = (
    b'{"Records":[{"eventTime":"2024-05-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject",'
    b'"userIdentity":{"type":"IAMUser","userName":"mallory"},"userAgent":"%s"}]}\n'
)
STATEMENT = (
    "2024-05-01 10:00:00.000 UTC,mallory,db,7,203.0.113.7:5,s1,1,DROP TABLE,2024-05-01 09:00:00 UTC,,0,LOG,00000,"
    '"statement: drop /* {pad} */ table staff",,,,,,,,,psql,client backend,,0\n'
)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"\xff", r"\xff"),
        (b"a\xe9b \xf0\x9f", r"a\xe9b \xf0\x9f"),
        (rb"\ud83d", r"\ud83d"),
        (rb"\\\udc00 \" \ud83d\ude00", '\\\\udc00 " \U0001f600'),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_no_byte_hides_an_event(sent: bytes, told: str, tmp_path: Path) -> None:
    mapping = format_of("nginx_json")
    path = tmp_path / "log"
    path.write_bytes(NGINX % sent + b"\n")
    [found] = mapping.read(path, "acme")
    assert isinstance(found, Accepted), found
    assert (found.event.ip, found.event.user_agent) == ("203.0.113.7", told)
    [found] = read("cloudtrail", [TRAIL % sent], "acme")
    assert isinstance(found, Accepted), found
    assert (found.event.subject_id, found.event.user_agent) == ("mallory", told)


def test_two_names_stay_two() -> None:
    names = {
        str(read_json(b'{"a":"%s"}' % name)["a"]) for name in (b"al\xffice", b"al\xfeice", rb"al\ud800ice", b"alice")
    }
    assert len(names) == 4


def test_a_line_of_text_is_read_too() -> None:
    line = b"2024-05-01T10:00:00Z h sshd[1]: Failed password for invalid user j\xe9 from 203.0.113.7 port 5 ssh2\n"
    [found] = read("sshd", [line], "acme")
    assert isinstance(found, Accepted)
    assert (found.event.subject_id, found.event.ip) == (r"j\xe9", "203.0.113.7")


@pytest.mark.parametrize("pad", [200_000, MAX_RECORD - 500])
def test_a_statement_is_hidden_by_no_padding(pad: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(STATEMENT.format(pad="x" * pad))
    [found] = format_of("postgres_csvlog").read(path, "acme")
    assert isinstance(found, Accepted), found
    assert (found.event.subject_id, found.event.action) == ("mallory", "DROP TABLE")
