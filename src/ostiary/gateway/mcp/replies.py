"""The errors of JSON-RPC that the guard answers with.

>>> error(7, DENIED, "no", "access_denied")["error"]["data"]
{'code': 'access_denied'}
"""

from typing import Any, Final

from ostiary.gateway.mcp.ports import Answered

DENIED: Final = -32001
INVALID_PARAMS: Final = -32602
UNREACHABLE: Final = -32603
INVALID_REQUEST: Final = -32600
HEADER_MISMATCH: Final = -32020
Id = str | int | None


def error(number: Id, code: int, message: str, word: str, **data: Any) -> dict[str, Any]:
    """Return a JSON-RPC error."""
    told = {"code": code, "message": message, "data": {"code": word, **data}}
    return {"jsonrpc": "2.0", "id": number, "error": told}


def refusal(number: Id, answered: Answered) -> dict[str, Any]:
    """Return the JSON-RPC error of a decision that does not permit."""
    data = {name: value for name, value in answered.data.items() if name != "unreachable"}
    code = UNREACHABLE if answered.data.get("unreachable") else DENIED
    if answered.decision_id:
        data["decision_id"] = answered.decision_id
    message = answered.message or "policy does not permit this"
    return error(number, code, message, answered.code or "access_denied", **data)
