"""What Ostiary works with: how enforcement points do, whose tokens are believed, who is told and how much waits."""

from fastapi import APIRouter

from ostiary.decision.index.ports import HOUR_NS
from ostiary.decision.index.query import DecisionQuery
from ostiary.identity.ports import RegisteredPep
from ostiary.response.streams.cursor import Cursor
from ostiary.server.admin.context import Desk, Model, Office, Tenant
from ostiary.server.composed import fail_open

router = APIRouter(tags=["integrations"])
_DAY_HOURS = 24
_MOST = 1000


class PepHealth(Model):
    """How one enforcement point does.

    Attributes:
        proves: how it proves itself: ``key``, ``certificate`` or ``token``.
        seen_ns: when it last got a decision; 0 when never, or when that was erased.
        decided: decisions of the last day by effect.
        unexecuted: obligations that it answers for and did not carry out, of the newest 1000 of the tenant.
        keys: how many keys, certificates or workloads it may prove itself with; two while a key is being replaced.
    """

    pep_id: str
    proves: str
    subjects: str
    proof_required: str
    receipts: bool
    disabled: bool
    expires_ns: int
    keys: int
    seen_ns: int
    decision_id: str
    effect: str
    decided: dict[str, int]
    unexecuted: int


class PepsHealth(Model):
    """All enforcement points of a tenant.

    Attributes:
        fail_open: options of this server that let answers through before what they weaken is done; none is as it
            should be.
        let_through: decisions of the last day that were answered so.
    """

    peps: list[PepHealth]
    fail_open: tuple[str, ...]
    let_through: int


class IssuerShown(Model):
    """An issuer whose tokens are believed; ``fetched_ns`` is 0 while its keys were not needed yet."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    workloads: bool
    keys_from: str
    fetched_ns: int
    keys: int
    fault: str


class SinkShown(Model):
    """Somebody outside who is told; ``dead`` letters were given up and wait for an administrator."""

    name: str
    kind: str
    waiting: int
    dead: int


class StreamShown(Model):
    """A stream of numbered events: how far it came.

    Attributes:
        sequence: the number of the last event that arrived or was given up; 0 before the first turn.
        behind: entries of the log that it has not looked at.
        fault: why nothing arrives now; empty when it does.
    """

    name: str
    contents: tuple[str, ...]
    stream: int
    sequence: int
    behind: int
    dead: int
    fault: str
    since_ns: int


@router.get("/tenants/{tenant}/peps-health")
def show_peps_health(tenant: Tenant, desk: Desk) -> PepsHealth:
    """Show how enforcement points do: when each got a decision last, which, and what it left undone."""
    late = desk.house.response.obligations.listed(tenant, unexecuted=True, limit=_MOST)
    undone = [one.pep for one in late]
    peps = [_health(desk, pep, undone.count(pep.pep_id)) for pep in desk.house.store.peps.of_tenant(tenant)]
    options = fail_open(desk.house.settings)
    through = sum(sum(one.decided.values()) for one in peps) if options else 0
    return PepsHealth(peps=peps, fail_open=options, let_through=through)


@router.get("/tenants/{tenant}/issuers")
def list_issuers(tenant: Tenant, desk: Desk) -> list[IssuerShown]:
    """List the issuers whose tokens a tenant believes, and how their keys stand in this process."""
    found = []
    for one in desk.house.issuers.of_tenant(tenant):
        source, told = one.config.jwks, one.keys.told()
        found.append(
            IssuerShown(
                issuer=one.config.issuer,
                audience=one.config.audience,
                algorithms=tuple(one.config.algorithms),
                workloads=one.config.workload is not None,
                keys_from=source.url or source.file or source.discovery_of or "the configuration",
                fetched_ns=told.fetched_ns,
                keys=told.count,
                fault=told.fault,
            )
        )
    return found


@router.get("/tenants/{tenant}/sinks")
def list_sinks(tenant: Tenant, desk: Desk) -> list[SinkShown]:
    """List who is told of responses, and how much waits for each."""
    outbox, settings = desk.house.response.outbox, desk.house.settings.response
    kinds = {
        (one.tenant, one.name): kind
        for kind, section in (("webhook", settings.webhooks), ("syslog", settings.syslog), ("mail", settings.mail))
        for one in section
    }
    dead = [letter.sink for letter in outbox.dead(tenant)]
    return [
        SinkShown(
            name=name, kind=kinds.get((tenant, name), ""), waiting=outbox.waiting(tenant, name), dead=dead.count(name)
        )
        for name in outbox.names(tenant)
    ]


@router.get("/tenants/{tenant}/streams")
def list_streams(tenant: Tenant, desk: Desk) -> list[StreamShown]:
    """List what of the log is told to whom, how far each stream came, and why one stands still."""
    dead = [letter.sink for letter in desk.house.response.outbox.dead(tenant)]
    found = []
    for one in (stream for stream in desk.house.streams if stream.tenant == tenant):
        cursor = one.cursor() or Cursor(0, stream=1)
        found.append(
            StreamShown(
                name=one.name,
                contents=one.plan.contents,
                stream=cursor.stream,
                sequence=cursor.sequence,
                behind=one.behind(),
                dead=dead.count(one.name),
                fault=cursor.fault,
                since_ns=cursor.since_ns,
            )
        )
    return found


def _health(desk: Office, pep: RegisteredPep, undone: int) -> PepHealth:
    index, tenant, now_ns = desk.house.store.decisions, pep.tenant, desk.house.clock.now_ns()
    last = next(iter(index.rows(tenant, DecisionQuery(pep=pep.pep_id, limit=1))), None)
    hour = now_ns // HOUR_NS + 1
    decided: dict[str, int] = {}
    for one in index.hours(tenant, hour - _DAY_HOURS, hour, pep.pep_id):
        decided[one.effect.name] = decided.get(one.effect.name, 0) + one.count
    proves = "certificate" if pep.certificates else "token" if pep.token_issuer else "key"
    return PepHealth(
        pep_id=pep.pep_id,
        proves=proves,
        subjects=pep.subjects,
        proof_required=pep.proof_required,
        receipts=pep.receipts,
        disabled=pep.disabled,
        expires_ns=pep.expires_ns,
        keys=len(pep.certificates) or len(pep.secret_hashes) or bool(pep.token_issuer),
        seen_ns=last.time_ns if last else 0,
        decision_id=last.id if last else "",
        effect=last.effect.name if last else "",
        decided=decided,
        unexecuted=undone,
    )
