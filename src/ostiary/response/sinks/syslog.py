r"""Tells a syslog server: RFC 5424 over TLS (RFC 5425), octet-counted, in one line that nobody can break.

Rules:

- The message is the letter's CloudEvents document in printable ASCII; header fields are printable ASCII without spaces.
- Each frame begins with its length (RFC 5425 §4.3): a line break inside could not begin another frame even if there
  were one.
- The server's certificate and name are verified, always; TLS 1.2 or newer.

>>> from ostiary.response.outbox import Letter
>>> frame(Letter("ltr_1", "acme", "soc", "x", "t", {}, 0, 1), "ostiary.example", "urn:x")[:61]
b'321 <108>1 1970-01-01T00:00:00.000Z ostiary.example ostiary -'
"""

import contextlib
import socket
import ssl
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.response.outbox import Letter
from ostiary.response.sinks.envelope import cloud_event, rfc3339

_FACILITY: Final = 13  # log audit, RFC 5424 §6.2.1
_SEVERITY: Final = 4  # warning
_MAX_NAME: Final = 255


class SyslogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One syslog server; ``ca_file`` names the authorities that are believed, empty = the system's."""

    tenant: str
    name: str
    host: str
    source: str
    port: int = 6514
    ca_file: str = ""
    hostname: str = "-"
    timeout_s: float = 10.0


class Syslog:
    """A sink that speaks syslog over TLS; one connection a letter, so that a silent end is never taken for arrival."""

    def __init__(self, settings: SyslogSettings) -> None:
        """Take whom to tell."""
        self._settings = settings

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self._settings.tenant

    @property
    def name(self) -> str:
        """Its name."""
        return self._settings.name

    def deliver(self, letter: Letter, now_ns: int) -> None:
        """Send one letter."""
        del now_ns
        send_frames(self._settings, frame(letter, self._settings.hostname, self._settings.source))


def send_frames(settings: SyslogSettings, frames: bytes) -> None:
    """Send frames over one connection; returning means that the server has read them.

    Raises:
        UnavailableError: ``sink_away``.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        with (
            socket.create_connection((settings.host, settings.port), settings.timeout_s) as line,
            context.wrap_socket(line, server_hostname=settings.host) as secure,
        ):
            secure.sendall(frames)
            _part(secure)
    except OSError as fault:
        raise UnavailableError("sink_away", "the syslog server does not answer properly") from fault


def _part(secure: ssl.SSLSocket) -> None:
    """Say goodbye and wait for the server's (RFC 5425 §4.4): it has then read what came before."""
    # Some servers only close the line. That is a goodbye too: with unread data they would have reset it.
    with contextlib.suppress(ssl.SSLEOFError):
        secure.unwrap()


def frame(letter: Letter, hostname: str, source: str) -> bytes:
    """Return one octet-counted frame of a letter."""
    return framed(letter.letter_id, letter.time_ns, hostname, cloud_event(letter, source))


def framed(message_id: str, time_ns: int, hostname: str, text: bytes) -> bytes:
    """Return one octet-counted frame; ``text`` is one line of printable ASCII."""
    priority = _FACILITY * 8 + _SEVERITY
    header = f"<{priority}>1 {rfc3339(time_ns)} {_field(hostname)} ostiary - {_field(message_id)} -"
    message = header.encode("ascii") + b" " + text
    return str(len(message)).encode() + b" " + message


def _field(text: str) -> str:
    """Return a header field: printable ASCII without spaces (RFC 5424 §6), or the nil value."""
    return "".join(char for char in text if "!" <= char <= "~")[:_MAX_NAME] or "-"
