"""Errors as OpenAI clients expect them: ``{"error": {"message", "type", "param", "code"}}`` with the right status.

The official clients retry 408, 409, 429 and 5xx by themselves; nothing that a second try cannot mend has such a status.
"""

from typing import Any, Final

TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
}
MODEL_UNKNOWN: Final = "model_not_found"


def error(status: int, code: str, message: str, param: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of an error."""
    kind = "insufficient_quota" if code == "insufficient_quota" else TYPES.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


def model_unknown(model: str) -> dict[str, Any]:
    """Return what is said of a model that is not there, and of one that the asker may not ask."""
    shown = model[:128] if model.isprintable() else "?"
    message = f"The model `{shown}` does not exist or you do not have access to it."
    return error(404, MODEL_UNKNOWN, message, "model")
