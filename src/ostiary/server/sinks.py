"""Makes sinks of the settings; their secrets come from files that nobody else may read.

Each kind is imported only where one is configured: an HTTP client and a mail client cost every start, and most verbs
need neither.
"""

from pathlib import Path
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.keys.files import read_private
from ostiary.response.outbox import Sink
from ostiary.server.settings.response import MailSection, ResponseSection, SyslogSection, WebhookSection

SOURCE: Final = "urn:ostiary:response"
MIN_SECRET: Final = 16


def sinks_of(settings: ResponseSection) -> list[Sink]:
    """Return everybody whom responses may tell.

    Raises:
        FaultyInputError: ``sink_url_invalid``, ``sink_secret_short``, ``sink_exists``.
        RefusedError: ``key_permissions``, ``mail_header_refused``.
        UnavailableError: ``key_unavailable``.
    """
    found: list[Sink] = [_webhook(one, settings) for one in settings.webhooks]
    found += [_syslog(one) for one in settings.syslog]
    found += [_mail(one) for one in settings.mail]
    if len({(sink.tenant, sink.name) for sink in found}) < len(found):
        raise FaultyInputError("sink_exists", "two sinks of one tenant have the same name")
    return found


def _webhook(one: WebhookSection, settings: ResponseSection) -> Sink:
    from ostiary.response.sinks.webhook import Webhook, WebhookSettings  # noqa: PLC0415 - see above

    wanted = WebhookSettings(
        tenant=one.tenant,
        name=one.name,
        url=one.url,
        source=SOURCE,
        loopback_http=settings.allow_http_loopback,
        private=one.allow_private,
        ca_file=str(one.ca_file or ""),
        timeout_s=one.timeout_s,
    )
    secret = _secret(one.secret_file)
    if len(secret) < MIN_SECRET:
        raise FaultyInputError("sink_secret_short", f"the secret of a webhook has at least {MIN_SECRET} bytes")
    return Webhook(wanted, secret)


def _syslog(one: SyslogSection) -> Sink:
    from ostiary.response.sinks.syslog import Syslog, SyslogSettings  # noqa: PLC0415 - see above

    return Syslog(
        SyslogSettings(
            tenant=one.tenant,
            name=one.name,
            host=one.host,
            port=one.port,
            source=SOURCE,
            ca_file=str(one.ca_file or ""),
            timeout_s=one.timeout_s,
        )
    )


def _mail(one: MailSection) -> Sink:
    from ostiary.response.sinks.mail import Mail, MailSettings  # noqa: PLC0415 - see above

    wanted = MailSettings(
        tenant=one.tenant,
        name=one.name,
        host=one.host,
        port=one.port,
        sender=one.sender,
        to=one.to,
        user=one.user,
        ca_file=str(one.ca_file or ""),
        timeout_s=one.timeout_s,
    )
    return Mail(wanted, _secret(one.password_file).decode() if one.password_file else "")


def _secret(path: Path) -> bytes:
    return read_private(path).strip()
