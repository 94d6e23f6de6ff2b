"""A rendered page as a reply, a message as a sentence."""

from ostiary.console.rendering import Rendered
from ostiary.server.wire import Reply


def answer(rendered: Rendered, status: int = 200, *more: tuple[bytes, bytes]) -> Reply:
    """Return a rendered page as a reply."""
    headers = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in rendered.headers)
    return Reply(status, rendered.body, (*headers, *more))


def sentence(text: str) -> str:
    """Return a message as a sentence.

    >>> sentence("there is no such view")
    'There is no such view.'
    """
    return f"{text[:1].upper()}{text[1:]}."
