"""A Django site of one view behind the middleware, served by Django's own WSGI handler."""

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import re_path

from ostiary_sdk import Client
from ostiary_sdk.django import OstiaryMiddleware

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.Guard"], ALLOWED_HOSTS=["*"], SECRET_KEY="invented"
    )
    django.setup(set_prefix=False)

inside: list[Callable[[HttpRequest], Any]] = []


class Guard(OstiaryMiddleware):
    """The site's own."""


def view(request: HttpRequest) -> Any:
    """Answer with what the test says."""
    told = inside[-1](request)
    return HttpResponse(told) if isinstance(told, str) else StreamingHttpResponse(told)


urlpatterns = [re_path("", view)]


def guard(client: Client, access: Any, **options: Any) -> None:
    """Set the site's guard up."""
    Guard.client, Guard.access = client, staticmethod(access)
    Guard.understands, Guard.public_url = options.get("understands", ()), options.get("public_url", "")


def serve(
    what: Callable[[HttpRequest], Any], client: Client, access: Any, environ: dict[str, Any], **options: Any
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request; return status, headers and body."""
    guard(client, access, **options)
    inside.append(what)
    told: list[Any] = []
    try:
        response = WSGIHandler()(environ, lambda status, headers: told.append((status, headers)))
        body = b"".join(response)
        response.close()
    finally:
        inside.pop()
    status, headers = told[-1]
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, body
