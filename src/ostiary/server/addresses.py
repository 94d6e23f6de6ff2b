"""Under which URL this server is reached: by its callers, and from this machine.

>>> local_url(ServerSection(host="0.0.0.0", port=9000))
'http://127.0.0.1:9000'
"""

from typing import Final

from ostiary.server.settings.sections import ServerSection

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the ways to say every address


def public_url(settings: ServerSection) -> str:
    """Return the URL under which callers reach this server."""
    return settings.public_url.rstrip("/") or local_url(settings)


def local_url(settings: ServerSection) -> str:
    """Return the URL under which this machine reaches this server."""
    host = _LOOPBACK.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"
