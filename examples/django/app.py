"""A Django project in one file that asks Ostiary before every request: any WSGI server with app:application.

In a project of yours the last lines stand in ``wsgi.py``; views and settings stay as they are.
"""

import os
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from ostiary_sdk import Client
from ostiary_sdk.incoming import DECISION, PUBLIC, Access, Incoming
from ostiary_sdk.wsgi import OstiaryMiddleware

ACTIONS = {"GET": "read", "PUT": "write", "DELETE": "delete"}
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1", "localhost"], SECRET_KEY=os.urandom(32).hex())
documents = {"1": "the handbook"}


def health(_request: HttpRequest) -> HttpResponse:
    """Say that it runs; public."""
    return HttpResponse("ok")


def document(request: HttpRequest, name: str) -> HttpResponse:
    """Give one document out, or change it."""
    if request.method == "PUT":
        documents[name] = request.body.decode()
        return HttpResponse()
    return JsonResponse({"text": documents.get(name, ""), "decision": request.environ[DECISION].id})


urlpatterns = [path("healthz", health), path("documents/<str:name>", document)]


def access(got: Incoming) -> Any:
    """Say what a request wants, in nouns of your own; what is not mapped is refused."""
    if got.path == "/healthz":
        return PUBLIC
    kind, _, name = got.path[1:].partition("/")
    if kind == "documents" and name and got.method in ACTIONS:
        return Access(action=ACTIONS[got.method], resource=("document", name))
    return None


client = Client(os.environ["OSTIARY_URL"], os.environ["OSTIARY_PEP_KEY"])
application = OstiaryMiddleware(get_wsgi_application(), client, access, public_url=os.environ.get("PUBLIC_URL", ""))
