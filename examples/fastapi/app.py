"""A FastAPI application that asks Ostiary before every request: uvicorn --factory app:guarded."""

import os
from typing import Any

from fastapi import FastAPI, Request

from ostiary_sdk import AsyncClient
from ostiary_sdk.asgi import OstiaryMiddleware
from ostiary_sdk.incoming import DECISION, PUBLIC, Access, Incoming

ACTIONS = {"GET": "read", "PUT": "write", "DELETE": "delete"}
api = FastAPI()
documents = {"1": "the handbook"}


@api.get("/healthz")
async def health() -> str:
    """Say that it runs; public."""
    return "ok"


@api.get("/documents/{name}")
async def read(name: str, request: Request) -> dict[str, Any]:
    """Give one document out."""
    return {"text": documents.get(name, ""), "decision": request.scope[DECISION].id}


@api.put("/documents/{name}")
async def write(name: str, request: Request) -> None:
    """Change one document."""
    documents[name] = (await request.body()).decode()


def access(got: Incoming) -> Any:
    """Say what a request wants, in nouns of your own; what is not mapped is refused."""
    if got.path == "/healthz":
        return PUBLIC
    kind, _, name = got.path[1:].partition("/")
    if kind == "documents" and name and got.method in ACTIONS:
        return Access(action=ACTIONS[got.method], resource=("document", name))
    return None


def guarded() -> OstiaryMiddleware:
    """Return the application behind Ostiary."""
    client = AsyncClient(os.environ["OSTIARY_URL"], os.environ["OSTIARY_PEP_KEY"])
    return OstiaryMiddleware(api, client, access, public_url=os.environ.get("PUBLIC_URL", ""))
