"""Tells a webhook: one signed CloudEvents document a POST, signed as by ``response.sinks.webhook``."""

from collections.abc import Sequence
from typing import Final

from ostiary.response.sinks.envelope import CONTENT_TYPE
from ostiary.response.sinks.webhook import signature
from ostiary.response.ssf.sending import Post
from ostiary.response.streams.event import StreamEvent
from ostiary.response.streams.posting import posted

_NS: Final = 1_000_000_000


class WebhookReceiver:
    """Events behind a URL; ``webhook-id`` is source and id, so that it is one for every event of every stream."""

    batch = 50

    def __init__(self, url: str, secret: bytes, post: Post) -> None:
        """Take where they go and what signs them."""
        self._url = url
        self._secret = secret
        self._post = post

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them one after the other."""
        for one in events:
            body, moment, ident = one.document(), str(now_ns // _NS), f"{one.source}:{one.event_id}"
            headers = {
                "content-type": CONTENT_TYPE,
                "webhook-id": ident,
                "webhook-timestamp": moment,
                "webhook-signature": signature(self._secret, ident, moment, body),
            }
            posted(self._post, self._url, body, headers)
