"""The command's side of the token endpoint: one form, one answer, and once more where a nonce is asked for."""

from typing import Any, Final

from ostiary.cli.device.talking import check_url
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.proving import make_proof
from ostiary.keys import SigningKey
from ostiary.vocabulary.clock import Clock

TIMEOUT_S: Final = 20.0
_MAX_ANSWER: Final = 131_072
_OK: Final = 200
_BROKEN: Final = 500
_FAULTY: Final = frozenset({"invalid_authorization_details", "invalid_scope", "unsupported_grant_type"})
_NONCE_WANTED: Final = "use_dpop_nonce"


def post(url: str, tenant: str, place: str, form: dict[str, str], key: SigningKey, clock: Clock) -> dict[str, Any]:
    """Send a form with a proof to a tenant's token server, and return the answer.

    Raises:
        RefusedError: the server says no, with its code.
        FaultyInputError: it does not understand.
        UnavailableError: it is away, or answers something else.
    """
    address = f"{check_url(url)}/oauth/{tenant}/{place}"
    token = form.get("token", "")
    status, told, nonce = _once(address, form, make_proof(key, "POST", address, clock.now_ns(), token=token))
    if status != _OK and told.get("error") == _NONCE_WANTED and nonce:
        proof = make_proof(key, "POST", address, clock.now_ns(), token=token, nonce=nonce)
        status, told, _ = _once(address, form, proof)
    if status != _OK:
        raise _fault(status, told)
    return told


def _once(address: str, form: dict[str, str], proof: str) -> tuple[int, dict[str, Any], str]:
    import httpx  # noqa: PLC0415 - a third of a second that other commands do not need

    try:
        answer = httpx.post(address, data=form, headers={"DPoP": proof}, timeout=TIMEOUT_S, follow_redirects=False)
        told = answer.json() if len(answer.content) <= _MAX_ANSWER else None
    except (httpx.HTTPError, ValueError) as fault:
        raise UnavailableError("server_unavailable", f"`{address}` does not answer: {type(fault).__name__}") from fault
    if not isinstance(told, dict):
        raise UnavailableError("server_unavailable", f"`{address}` answers something else than a server of ours")
    return answer.status_code, told, answer.headers.get("dpop-nonce", "")


def _fault(status: int, told: dict[str, Any]) -> OstiaryError:
    code = str(told.get("code", "refused"))[:64]
    text = "".join(c for c in str(told.get("error_description", "")) if c.isprintable())[:500] or "the server refused"
    if status >= _BROKEN:
        return UnavailableError(code, text)
    if told.get("error") in _FAULTY and "decision_id" not in told:
        return FaultyInputError(code, text)
    decision = str(told.get("decision_id", ""))[:40]
    reasons = [str(one)[:64] for one in told.get("reasons", ())][:16]
    why = f" ({', '.join(reasons)}; see `ostiary why {decision}`)" if decision else ""
    return RefusedError(code, text + why, reasons)
