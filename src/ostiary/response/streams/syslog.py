"""Tells a syslog server: RFC 5424 over TLS, one frame an event, a batch a connection (``response.sinks.syslog``)."""

from collections.abc import Sequence

from ostiary.response.sinks.syslog import SyslogSettings, framed, send_frames
from ostiary.response.streams.event import StreamEvent


class SyslogReceiver:
    """Events for a syslog server; all have arrived when it has said goodbye."""

    batch = 100

    def __init__(self, settings: SyslogSettings) -> None:
        """Take where it is."""
        self._settings = settings

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them over one connection."""
        del now_ns
        name = self._settings.hostname
        frames = [framed(one.event_id, one.time_ns, name, one.document()) for one in events]
        send_frames(self._settings, b"".join(frames))
