"""Who is calling, for code that has no request in its hands: set by the middleware, read by ``requires``."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

from ostiary_sdk.incoming import Access, Incoming, Presented

if TYPE_CHECKING:
    from ostiary_sdk.aclient import AsyncClient
    from ostiary_sdk.client import Client


class Calling(msgspec.Struct, frozen=True):
    """One request on its way through the application."""

    got: Incoming
    shown: Presented
    public_url: str = ""
    access: Access | None = None
    client: "Client | None" = None
    async_client: "AsyncClient | None" = None


calling: ContextVar[Calling | None] = ContextVar("ostiary_calling", default=None)
