"""A Flask application that asks Ostiary before every request: flask run, or any WSGI server with app:app."""

import os
from typing import Any

from flask import Flask, request

from ostiary_sdk import Client
from ostiary_sdk.incoming import DECISION, PUBLIC, Access, Incoming
from ostiary_sdk.wsgi import OstiaryMiddleware

ACTIONS = {"GET": "read", "PUT": "write", "DELETE": "delete"}
app = Flask(__name__)
documents = {"1": "the handbook"}


@app.get("/healthz")
def health() -> str:
    """Say that it runs; public."""
    return "ok"


@app.get("/documents/<name>")
def read(name: str) -> dict[str, Any]:
    """Give one document out."""
    return {"text": documents.get(name, ""), "decision": request.environ[DECISION].id}


@app.put("/documents/<name>")
def write(name: str) -> str:
    """Change one document."""
    documents[name] = request.get_data(as_text=True)
    return ""


def access(got: Incoming) -> Any:
    """Say what a request wants, in nouns of your own; what is not mapped is refused."""
    if got.path == "/healthz":
        return PUBLIC
    kind, _, name = got.path[1:].partition("/")
    if kind == "documents" and name and got.method in ACTIONS:
        return Access(action=ACTIONS[got.method], resource=("document", name))
    return None


client = Client(os.environ["OSTIARY_URL"], os.environ["OSTIARY_PEP_KEY"])
app.wsgi_app = OstiaryMiddleware(  # type: ignore[method-assign] # as Flask's own documentation wraps it
    app.wsgi_app, client, access, public_url=os.environ.get("PUBLIC_URL", "")
)
