"""Builds the administrators' application: routes, errors, OpenAPI."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ostiary import __version__
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.server import admin
from ostiary.server.admin.context import Fault, Office

PREFIX: Final = "/api/v1"
_STATUS: Final = {
    "admin_unauthenticated": 401,
    "access_grant_unknown": 404,
    "access_request_unknown": 404,
    "admin_not_allowed": 403,
    "approval_proposer_unknown": 403,
    "approval_unknown": 404,
    "audit_job_unknown": 404,
    "audit_pack_unknown": 404,
    "authenticator_unknown": 404,
    "batch_unknown": 404,
    "break_glass_codes_unknown": 404,
    "break_glass_unknown": 404,
    "case_unknown": 404,
    "console_person_unknown": 404,
    "control_unknown": 404,
    "conversation_unknown": 404,
    "dataset_unknown": 404,
    "decision_unknown": 404,
    "detection_unknown": 404,
    "device_unknown": 404,
    "endpoint_unknown": 404,
    "feature_column_unknown": 404,
    "feature_set_unknown": 404,
    "impact_unknown": 404,
    "key_unknown": 404,
    "policy_file_unknown": 404,
    "model_unknown": 404,
    "model_version_unknown": 404,
    "letter_unknown": 404,
    "pep_unknown": 404,
    "receiver_unknown": 404,
    "record_unknown": 404,
    "recovery_unknown": 404,
    "playbook_unknown": 404,
    "producer_unknown": 404,
    "session_unknown": 404,
    "stream_unknown": 404,
    "step_unknown": 404,
    "subject_unknown": 404,
    "suppression_unknown": 404,
    "tenant_unknown": 404,
    "training_run_unknown": 404,
    "pep_exists": 409,
    "tenant_exists": 409,
}
_FAULTS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Fault, "description": "The request is malformed."},
    401: {"model": Fault, "description": "The administrator did not authenticate."},
    403: {"model": Fault, "description": "This needs a key for the whole deployment."},
    404: {"model": Fault, "description": "There is no such thing, or it is another tenant's."},
    503: {"model": Fault, "description": "Something needed is away; nothing was changed."},
}


def build_admin(office: Office) -> FastAPI:
    """Return the application, mounted nowhere yet: its paths begin with ``/api/v1``."""
    api = FastAPI(
        title="Ostiary administration",
        version=__version__,
        description=__doc__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_FAULTS,
    )
    api.state.office = office
    for router in _routers():
        api.include_router(router, prefix=PREFIX)
    api.add_exception_handler(OstiaryError, _on_ours)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    return api


def _routers() -> Iterator[APIRouter]:
    """Find the router of every module in this folder that has one, in the order of their names."""
    for name in sorted(info.name for info in pkgutil.iter_modules(admin.__path__)):
        router = getattr(import_module(f"{admin.__name__}.{name}"), "router", None)
        if isinstance(router, APIRouter):
            yield router


def _status(fault: OstiaryError) -> int:
    if fault.code in _STATUS:
        return _STATUS[fault.code]
    if isinstance(fault, UnavailableError):
        return 503
    if isinstance(fault, FaultyInputError):
        return 400
    return 409 if isinstance(fault, RefusedError | VerificationError) else 500


def _answer(status: int, code: str, message: str) -> JSONResponse:
    headers = {"WWW-Authenticate": 'Bearer realm="ostiary admin"'} if status == 401 else {}  # noqa: PLR2004
    return JSONResponse({"code": code, "message": message}, status, {"Cache-Control": "no-store", **headers})


async def _on_ours(_request: Request, fault: Exception) -> JSONResponse:
    if not isinstance(fault, OstiaryError):
        raise fault
    return _answer(_status(fault), fault.code, fault.message)


async def _on_invalid(_request: Request, fault: Exception) -> JSONResponse:
    first = fault.errors()[0] if isinstance(fault, RequestValidationError) else {"loc": (), "msg": ""}
    where = ".".join(str(part) for part in first["loc"])
    return _answer(400, "request_invalid", f"`{where}`: {str(first['msg'])[:1].lower()}{str(first['msg'])[1:]}")


async def _on_http(_request: Request, fault: Exception) -> JSONResponse:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    words = {404: "there is nothing here", 405: "this method is not for here"}
    answer = _answer(status, "not_found" if status == 404 else "http_error", words.get(status, "refused"))  # noqa: PLR2004
    if isinstance(fault, HTTPException) and fault.headers:
        answer.headers.update(fault.headers)
    return answer
