"""Tells people by e-mail: SMTP with STARTTLS, always, and headers that nobody can add to.

Rules:

- Without TLS nothing is sent, and the server's certificate and name are verified.
- A line break in anything that becomes a header is refused (``mail_header_refused``): it would add a header (CWE-93).
- The body is plain text; every line of it is made harmless, and nothing in it is a link.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.outbox import Letter
from ostiary.signals.texts import neutral

_NS: Final = 1_000_000_000
_MAX_SUBJECT: Final = 120
_PERMANENT: Final = 500


class MailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One way to reach people."""

    tenant: str
    name: str
    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    user: str = ""
    ca_file: str = ""
    timeout_s: float = 10.0


class Mail:
    """A sink that sends e-mail."""

    def __init__(self, settings: MailSettings, password: str = "") -> None:
        """Take whom to tell, and how to sign in there.

        Raises:
            RefusedError: ``mail_header_refused``.
        """
        self._settings = settings
        self._password = password
        for text in (settings.sender, *settings.to):
            _one_line(text)

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
        settings, message = self._settings, compose(letter, self._settings, now_ns)
        try:
            with smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s) as server:
                server.starttls(context=ssl.create_default_context(cafile=settings.ca_file or None))
                if settings.user:
                    server.login(settings.user, self._password)
                server.send_message(message)
        except smtplib.SMTPResponseException as fault:
            raise _judged(fault.smtp_code) from fault
        except (smtplib.SMTPException, OSError) as fault:
            raise UnavailableError("sink_away", "the mail server does not answer properly") from fault


def compose(letter: Letter, settings: MailSettings, now_ns: int) -> EmailMessage:
    """Return the message.

    Raises:
        RefusedError: ``mail_header_refused``.
    """
    message = EmailMessage()
    message["From"] = _one_line(settings.sender)
    message["To"] = ", ".join(_one_line(one) for one in settings.to)
    message["Subject"] = _one_line(f"[ostiary] {letter.kind} #{letter.sequence}")[:_MAX_SUBJECT]
    message["Date"] = formatdate(now_ns / _NS)
    message["Message-ID"] = f"<{_one_line(letter.letter_id)}@ostiary.invalid>"
    lines = [letter.text, "", *(f"{name}: {value}" for name, value in sorted(letter.facts.items()))]
    message.set_content("\n".join(neutral(part) for line in lines for part in line.split("\n")) + "\n")
    return message


def _one_line(text: str) -> str:
    if not text or not text.isprintable():
        raise RefusedError("mail_header_refused", "a header of a mail is one line of printable characters")
    return text


def _judged(code: int) -> RefusedError | UnavailableError:
    if code >= _PERMANENT:
        return RefusedError("sink_refused", f"the mail server answered {code}")
    return UnavailableError("sink_busy", f"the mail server answered {code}")
