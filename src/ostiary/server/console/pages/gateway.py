"""Language models at the gateway: what came through, conversations from outside, and opening one for a reason."""

from typing import Any, Final

from ostiary.errors import RefusedError, VerificationError
from ostiary.gateway.conversations import Message
from ostiary.server.admin.gateway import (
    list_gateway_conversations,
    list_gateway_tenants,
    show_gateway,
    show_gateway_conversation,
)
from ostiary.server.console.addresses import address
from ostiary.server.console.pages.audit import below_of, chosen_of
from ostiary.server.console.periods import moment_ns
from ostiary.server.console.plain_json import plain_json
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.gateway_shown.revealing import LEAST_REASON, MOST_MESSAGES, MOST_REASON, opened, reveal
from ostiary.server.wire import Reply

HERE: Final = "/gateway"
TALKS: Final = "/gateway/conversations"
_DAYS: Final = 7
_DAY_NS: Final = 86_400 * 1_000_000_000
_LONG: Final = 20_000
LEVELS: Final = ("public", "internal", "confidential", "secret", "crown jewels")


def show(visit: Visit) -> Reply:
    """Show what came through."""
    days = visit.query.get("days", str(_DAYS))
    span = int(days) if days.isascii() and days.isdigit() and 0 < len(days) < 5 else _DAYS  # noqa: PLR2004
    since_ns = max(0, visit.now_ns - span * _DAY_NS)
    told = show_gateway(visit.tenant, visit.desk, since_ns)
    tenants = list_gateway_tenants(visit.who, visit.desk, since_ns) if visit.person.deployment else []
    return visit.page(
        "gateway.html",
        HERE,
        **{name: told[name] for name in ("requests", "models", "findings", "searches", "outcomes", "looked", "whole")},
        withheld=[{**one, "time": stamp(one["time_ns"])} for one in told["withheld"]],
        tenants=tenants,
        days=span,
        tokens=sum(one["tokens_in"] + one["tokens_out"] for one in told["models"]),
    )


def conversations(visit: Visit) -> Reply:
    """Show conversations from outside."""
    chosen = chosen_of(visit, ("from",))
    since_ns = moment_ns(chosen.get("from", ""))
    page = list_gateway_conversations(visit.tenant, visit.desk, since_ns, below_of(visit))
    return visit.page(
        "gateway_conversations.html",
        HERE,
        rows=[_shown(one) for one in page["talks"]],
        chosen=chosen,
        older=address(TALKS, {**chosen, "below": str(page["below"])}) if page["below"] else "",
        newest=address(TALKS, chosen) if "below" in visit.query else "",
    )


def conversation(visit: Visit) -> Reply:
    """Show one conversation from outside, and the form that asks why it should be opened."""
    told = show_gateway_conversation(visit.tenant, visit.told["conversation"], visit.desk)
    return visit.page(
        "gateway_conversation.html", HERE, talk=_shown(told), least=LEAST_REASON, most=MOST_REASON, wrong=""
    )


def ask_to_open(visit: Visit) -> Reply:
    """Write down why a conversation is opened, and lead to it."""
    name = visit.told["conversation"]
    reason = visit.form.get("reason", "")
    deed = reveal(visit.house, visit.who.key_id, visit.tenant, name, reason, visit.decision_id)
    return visit.done(f"{TALKS}/{name}/opened/{deed}", "It is on record that you opened this, and why")


def open_conversation(visit: Visit) -> Reply:
    """Show what is in a conversation, by a deed that says why."""
    name = visit.told["conversation"]
    try:
        found = opened(visit.house, visit.who.key_id, visit.tenant, name, visit.told["deed"])
    except VerificationError as no:
        return visit.page("gateway_unreadable.html", HERE, 409, name=name, why=no.message)
    except RefusedError as no:
        if no.code != "conversation_shredded":
            raise
        return visit.page("gateway_unreadable.html", HERE, 410, name=name, why=no.message)
    transcript = found.transcript
    return visit.page(
        "gateway_opened.html",
        HERE,
        name=name,
        owner=found.owner,
        reason=found.reason,
        until=stamp(found.until_ns),
        messages=[_said(one) for one in transcript.messages],
        left=max(0, transcript.conversation.count - MOST_MESSAGES),
    )


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    level = one.get("confidentiality")
    return {
        **one,
        "created": stamp(one["created_ns"]) if one["created_ns"] else "",
        "updated": stamp(one["updated_ns"]),
        "level": "" if level is None else LEVELS[min(max(level, 0), len(LEVELS) - 1)],
    }


def _said(one: Message) -> dict[str, str]:
    content = one.content if isinstance(one.content, dict) else {"content": one.content}
    said = content.get("content")
    text = said if isinstance(said, str) else plain_json(said)
    return {"role": str(content.get("role", one.kind)), "time": stamp(one.at_ns), "text": _printable(text)}


def _printable(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text[:_LONG])
    return clean + "…" if len(text) > _LONG else clean


ROUTES = (
    Route("GET", HERE, "gateway", show),
    Route("GET", TALKS, "conversations", conversations),
    Route("GET", "/gateway/conversations/{conversation}", "conversations", conversation),
    Route("POST", "/gateway/conversations/{conversation}/reveal", "conversations", ask_to_open, "reveal"),
    Route("GET", "/gateway/conversations/{conversation}/opened/{deed}", "conversations", open_conversation, "reveal"),
)
