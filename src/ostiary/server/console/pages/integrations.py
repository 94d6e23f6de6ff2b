"""What Ostiary works with: enforcement points and how they do, issuers, sinks and what was given up.

A fail-open count of 0 is green: nothing was let through because something was missing.
"""

from typing import Any, Final

from ostiary.server.admin.integrations import list_issuers, list_sinks, list_streams, show_peps_health
from ostiary.server.admin.peps import PepBody, add_pep, remove_pep
from ostiary.server.admin.responses import list_dead_letters, send_again
from ostiary.server.console.asked import check_typed
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import since
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/integrations"
_QUIET_NS: Final = 86_400 * 1_000_000_000
_PROVES: Final = {"key": "API key", "certificate": "client certificate", "token": "workload token"}


def show(visit: Visit) -> Reply:
    """Show how everything does that Ostiary works with."""
    health = show_peps_health(visit.tenant, visit.desk)
    peps = [_pep(one.model_dump(), visit.now_ns) for one in health.peps]
    issuers = [
        {**one.model_dump(), "fetched": stamp(one.fetched_ns) if one.fetched_ns else ""}
        for one in list_issuers(visit.tenant, visit.desk)
    ]
    letters = [one.model_dump() for one in list_dead_letters(visit.tenant, visit.desk)]
    return visit.page(
        "integrations.html",
        HERE,
        peps=peps,
        fail_open=health.fail_open,
        let_through=health.let_through,
        unexecuted=sum(one["unexecuted"] for one in peps),
        quiet=sum(one["quiet"] for one in peps),
        sinks=[one.model_dump() for one in list_sinks(visit.tenant, visit.desk)],
        streams=[one.model_dump() for one in list_streams(visit.tenant, visit.desk)],
        letters=letters,
        issuers=issuers,
    )


def add(visit: Visit) -> Reply:
    """Register an enforcement point; its API key is shown this once."""
    form = visit.form
    certificate = form.get("certificate", "").strip()
    wanted: dict[str, Any] = {
        "pep_id": form.get("pep_id", "").strip(),
        "subjects": form.get("subjects", "token"),
        "proof_required": form.get("proof_required", ""),
        "certificates": (certificate,) if certificate else (),
        "token_issuer": form.get("token_issuer", "").strip(),
        "token_subject": form.get("token_subject", "").strip(),
        "receipts": bool(form.get("receipt_key", "").strip()),
        "receipt_key": form.get("receipt_key", "").strip(),
    }
    made = add_pep(visit.tenant, PepBody.model_validate(wanted), visit.who, visit.desk)
    if not made.api_key:
        return visit.done(HERE, f"{made.pep_id} is registered")
    return visit.once(f"The API key of {made.pep_id}", made.api_key)


def remove(visit: Visit) -> Reply:
    """Remove an enforcement point; its id is typed again."""
    pep = visit.told["pep"]
    check_typed(visit.form, pep)
    remove_pep(visit.tenant, pep, visit.who, visit.desk)
    return visit.done(HERE, f"{pep} is unknown from now on")


def again(visit: Visit) -> Reply:
    """Send a letter again that was given up."""
    send_again(visit.tenant, visit.told["letter"], visit.who, visit.desk)
    return visit.done(HERE, "It is on its way again, under its old number")


def _pep(one: dict[str, Any], now_ns: int) -> dict[str, Any]:
    seen_ns = one["seen_ns"]
    return {
        **one,
        "proves": _PROVES[one["proves"]],
        "seen": stamp(seen_ns) if seen_ns else "",
        "ago": since(seen_ns, now_ns) if seen_ns else "",
        "quiet": not seen_ns or now_ns - seen_ns > _QUIET_NS,
        "day": sum(one["decided"].values()),
        "denied": one["decided"].get("DENY", 0) + one["decided"].get("TERMINATE", 0),
        "expires": stamp(one["expires_ns"]) if one["expires_ns"] else "",
    }


ROUTES = (
    Route("GET", HERE, "integrations", show),
    Route("POST", "/integrations/peps", "integrations", add, "change"),
    Route("POST", "/integrations/peps/{pep}/remove", "integrations", remove, "change"),
    Route("POST", "/integrations/letters/{letter}/again", "integrations", again, "change"),
)
