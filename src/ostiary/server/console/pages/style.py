"""The style page: every component once."""

from ostiary.console.style import PATH, style_told
from ostiary.server.console.routes import Route
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply


def show(visit: Visit) -> Reply:
    """Show it, with made-up content."""
    return visit.page("style.html", PATH, **style_told())


ROUTES = (Route("GET", PATH, "style", show),)
