"""What ``ostiary doctor`` looks at: each check says what it found, and the one command or change that mends it.

- A check never changes anything: a data directory that is not there is not made.
- ``wrong`` keeps Ostiary from deciding or proving; ``mind`` is a choice somebody should know of, every option that
  lets something through or weakens a promise among them.
"""

import os
import stat
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib.util import find_spec

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.audit.verifier.signed import read_checkpoint, read_vkey
from ostiary.errors import OstiaryError, UnavailableError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.server.agreement_remarks import agreement_remarks
from ostiary.server.biometrics.remarks import biometrics_remarks
from ostiary.server.edge.remarks import edge_remarks
from ostiary.server.places import Places
from ostiary.server.remarks import Remark
from ostiary.server.remarks.expiring import certificate_remarks, expiring_remarks
from ostiary.server.remarks.options import option_remarks
from ostiary.server.remarks.stale import stale_remarks
from ostiary.server.remarks.unsigned import unsigned_remarks
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.rollout.shown import stalled_in
from ostiary.server.settings.networks import LOOPBACK, Networks
from ostiary.server.settings.sections import PhasesSection, Settings
from ostiary.server.step_up.party import party_of, rules_of, unfit_origins
from ostiary.server.storing import holds_data, plain_line
from ostiary.server.wiring import House, open_house
from ostiary.server.worker import tls_context
from ostiary.server.workloads import workload_remarks
from ostiary.signals import compiled
from ostiary.vocabulary.clock import Clock

_OTHERS = 0o077
_EPOCH_2026_NS = 1_767_225_600 * 1_000_000_000
_SKEW_NS = 60 * 1_000_000_000
_STANDS_NS = 3_600 * 1_000_000_000
_MIB = 1 << 20


class State(StrEnum):
    """How a check ended."""

    FINE = "fine"
    MIND = "mind"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """What one check found; ``mend`` is what to do about it."""

    check: str
    state: State
    text: str
    mend: str = ""


def examine(places: Places, load_settings: Callable[[], Settings], clock: Clock) -> Iterator[Finding]:
    """Yield the findings of all checks, in the order of their needs."""
    try:
        settings = load_settings()
    except OstiaryError as fault:
        yield Finding("configuration", State.WRONG, fault.message, "mend the file or variable that it names")
        return
    yield Finding("configuration", State.FINE, "every key is known and every value fits")
    yield from _clock(clock)
    yield from _engine(settings)
    yield from _options(settings)
    for remark in (*option_remarks(settings), *certificate_remarks(settings, clock.now_ns())):
        yield _finding(remark)
    yield from _step_up(settings)
    yield from _tls(settings)
    yield from _extras()
    yield from _signals()
    if not holds_data(places, settings.store):
        text = f"`{places.root}` holds no data yet"
        yield Finding("data", State.MIND, text, f"ostiary up --data {places.root}")
        return
    yield from _permissions(places)
    yield from _data(places, settings, clock)


def _finding(remark: Remark) -> Finding:
    return Finding(remark.check, State.WRONG if remark.wrong else State.MIND, remark.text, remark.mend)


def _clock(clock: Clock) -> Iterator[Finding]:
    if clock.now_ns() < _EPOCH_2026_NS:
        yield Finding("clock", State.WRONG, "the clock stands before this release was made", "set the clock (NTP)")
    else:
        yield Finding("clock", State.FINE, "the clock stands where it can")


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.policy.engine == "remote":
        yield Finding(
            "engine",
            State.MIND,
            f"policy is asked of `{settings.policy.url}`; away means DENY",
            "policy.engine = embedded",
        )
        return
    source = settings.policy.bundle or policies_dir()
    try:
        with OpaEngine(Bundle.load(source)) as engine:
            error = engine.guardrails(b"{}").error
    except OstiaryError as fault:
        yield Finding("engine", State.WRONG, fault.message, _command_in(fault.message, f"ostiary policy test {source}"))
        return
    if error and error != "policy_error":  # an empty document may fail in a rule; it must not fail in the engine
        yield Finding("engine", State.WRONG, f"the policy answers `{error}`", f"ostiary policy test {source}")
    else:
        yield Finding("engine", State.FINE, f"real OPA answers from the bundle in `{source}`")


def _command_in(text: str, otherwise: str) -> str:
    """Return the command that a message names in back-quotes, or another where it names none."""
    *_, last = ("", *text.split("`")[1::2])
    return last if " " in last else otherwise


def _options(settings: Settings) -> Iterator[Finding]:
    server = settings.server
    if settings.audit.durability == "async":
        text = "answers leave before their record is on disk: a crash can lose the last ones"
        yield Finding("fail-open", State.MIND, text, "audit.durability = before_answer")
    if _everybody(server.trusted_proxies):
        text = "everybody's forwarded-for and client-certificate headers are believed"
        yield Finding("fail-open", State.WRONG, text, "server.trusted_proxies = your proxies' own networks")
    if server.tls_cert is None and server.host not in {"127.0.0.1", "::1", "localhost"}:
        text = f"`{server.host}` is served without TLS: keys and tokens travel in the open"
        yield Finding("fail-open", State.MIND, text, "server.tls_cert and server.tls_key, or a proxy that has them")
    if settings.telemetry.metrics_from != LOOPBACK:
        yield Finding(
            "metrics",
            State.MIND,
            f"metrics are told to {len(settings.telemetry.metrics_from)} networks",
            "telemetry.metrics_from = those that scrape",
        )
    if not settings.defence.questions:
        text = "whoever has an account may ask any number of questions, and so copy what scores accesses"
        yield Finding("fail-open", State.MIND, text, "defence.questions = true")
    if settings.identity.allow_http_loopback:
        yield Finding(
            "fail-open",
            State.MIND,
            "issuers' keys may come over plain HTTP from this machine",
            "identity.allow_http_loopback = false",
        )
    for text in workload_remarks(settings.identity):
        yield Finding("workloads", State.MIND, text, "docs/how-to/let-ci-jobs-and-pods-in.md")
    if plain_line(settings.store):
        text = "records travel to the database without TLS"
        yield Finding("fail-open", State.MIND, text, "store.plain = false, and no sslmode in store.url")
    if not settings.risk.enabled:
        yield Finding(
            "risk", State.MIND, "no model scores: policy sees it and steps up where it must", "risk.enabled = true"
        )


def _step_up(settings: Settings) -> Iterator[Finding]:
    party = party_of(settings)
    if party is None:
        text = "there is no page for step-up: it is off, or this server has no name and passkeys need one"
        yield Finding("step-up", State.MIND, text, "server.public_url = https://your.name")
        return
    unfit = unfit_origins(party)
    if unfit:
        text = f"browsers will not use passkeys of `{party.rp_id}` at {', '.join(unfit)}"
        yield Finding("step-up", State.WRONG, text, "https, and a step_up.rp_id that the origins end in")
    try:
        rules_of(settings.step_up)
    except UnavailableError as fault:
        yield Finding("step-up", State.WRONG, fault.message, "step_up.attestation_roots = a PEM file")


def _everybody(networks: Networks) -> bool:
    return any(network.prefixlen == 0 for network in networks)


def _tls(settings: Settings) -> Iterator[Finding]:
    try:
        context = tls_context(settings.server)
    except OstiaryError as fault:
        yield Finding("tls", State.WRONG, fault.message, "name files that are there and belong together")
        return
    if context is not None:
        yield Finding("tls", State.FINE, "certificate and key belong together")


def _extras() -> Iterator[Finding]:
    if find_spec("lightgbm") is None:
        yield Finding("risk", State.MIND, "models are read by the built-in walker", "pip install 'ostiary[risk]'")


def _signals() -> Iterator[Finding]:
    text = f"the signals run as plain Python ({compiled.PLAIN})" if compiled.PLAIN else "the signals run compiled"
    yield Finding("signals", State.FINE, text)


def _permissions(places: Places) -> Iterator[Finding]:
    private = [places.root, places.database, places.keys, places.pep_key, places.admin_key]
    loose = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & _OTHERS]
    for path in loose:
        yield Finding("permissions", State.WRONG, f"others may use `{path}`", f"chmod go= {path}")
    if not loose:
        yield Finding("permissions", State.FINE, "keys and records are yours alone")


def _data(places: Places, settings: Settings, clock: Clock) -> Iterator[Finding]:
    faults: list[str] = []
    try:
        with open_house(places, settings, clock, lambda reason, _fault: faults.append(reason)) as house:
            yield from _log(house, clock)
            yield from _disk(places, settings)
            yield from _shared(house)
            yield from _streams(house, clock)
            yield from _tenants(house)
            yield from _rollout(house)
            now_ns = clock.now_ns()
            for remark in (*expiring_remarks(house, now_ns), *stale_remarks(house, now_ns), *unsigned_remarks(house)):
                yield _finding(remark)
            for bad, text, mend in biometrics_remarks(house, now_ns):
                yield Finding("biometrics", State.WRONG if bad else State.MIND, text, mend)
            for bad, text, mend in edge_remarks(house):
                yield Finding("edge", State.WRONG if bad else State.MIND, text, mend)
    except OstiaryError as fault:
        yield Finding("data", State.WRONG, fault.message, _command_in(fault.message, "ostiary config show"))
    for reason in dict.fromkeys(faults):
        yield Finding("data", State.WRONG, f"opening it told `{reason}`", "ostiary audit verify")


def _log(house: House, clock: Clock) -> Iterator[Finding]:
    head = house.log.head()
    try:
        read_checkpoint(head.checkpoint, [read_vkey(key.vkey()) for key in house.log.public_keys()])
    except OstiaryError as fault:
        yield Finding("log", State.WRONG, f"the checkpoint does not verify: {fault.message}", "ostiary audit verify")
        return
    yield Finding("log", State.FINE, f"{head.size:,} records, signed as `{head.origin}`")
    if head.at_ns > clock.now_ns() + _SKEW_NS:
        yield Finding("clock", State.WRONG, "the log's last record lies in the future", "set the clock (NTP)")


def _disk(places: Places, settings: Settings) -> Iterator[Finding]:
    status = os.statvfs(places.root)
    free = status.f_bavail * status.f_frsize // _MIB
    floor = settings.audit.min_free_mb
    if free < floor:
        yield Finding(
            "disk", State.WRONG, f"{free} MiB are free, {floor} are needed: every answer is DENY", "make room"
        )
    else:
        yield Finding("disk", State.FINE, f"{free:,} MiB are free, {floor} are needed")


def _shared(house: House) -> Iterator[Finding]:
    if house.shared.several and house.settings.mcp.servers:
        text = "each replica knows only what subjects have read through its own MCP door"
        yield Finding("replicas", State.MIND, text, "route the MCP door to one replica (ADR-0069)")
    for one in house.shared.remarks():
        state = State.FINE if one.bad is None else State.WRONG if one.bad else State.MIND
        yield Finding("replicas", state, one.text, one.mend)


def _streams(house: House, clock: Clock) -> Iterator[Finding]:
    for one in house.streams:
        cursor = one.cursor()
        late = cursor is not None and cursor.fault and clock.now_ns() - cursor.since_ns > _STANDS_NS
        if cursor is not None and late:
            text = f"`{one.tenant}/{one.name}` has told nothing for {_hours(clock, cursor.since_ns)} h: {cursor.fault}"
            yield Finding("streams", State.WRONG, text, "ostiary stream list")


def _hours(clock: Clock, since_ns: int) -> int:
    return (clock.now_ns() - since_ns) // (3_600 * 1_000_000_000)


def _rollout(house: House) -> Iterator[Finding]:
    shipped = PhasesSection().table()
    for control, phase in house.settings.phases.table().items():
        if phase > shipped[control]:
            text = f"`{control}` is in {phase.name.lower()} by the configuration: nobody agreed to it"
            yield Finding("phases", State.MIND, text, f"ostiary rollout promote {control}, and no phases.{control}")
    desk = rollout_desk(house, lambda _reason, _fault: None)
    for row in house.tenants.living():
        if house.rollout.look(row.tenant).broken:
            text = f"the phases of `{row.tenant}` do not verify: the models may do nothing"
            yield Finding(
                "phases", State.WRONG, text, f"ostiary audit verify, then ostiary rollout kill --tenant {row.tenant}"
            )
            continue
        for target, words in stalled_in(desk, row.tenant):
            yield Finding(
                "phases",
                State.MIND,
                f"`{target}` of `{row.tenant}` is in shadow, {words}",
                "promote it, or take it down",
            )


def _tenants(house: House) -> Iterator[Finding]:
    for row in house.tenants.living():
        try:
            house.policies.load(row.tenant)
            house.knowledge.enricher(row.tenant)
        except OstiaryError as fault:
            mend = _command_in(fault.message, f"ostiary policy test {house.places.bundle(row.tenant)}")
            yield Finding(f"tenant {row.tenant}", State.WRONG, fault.message, mend)
            continue
        model = house.scorers.source(row.tenant)
        scorer = house.scorers.scorer(row.tenant)
        if scorer is None:
            text = f"the model in `{model}` does not load" if model else "it has no risk model: policy sees that"
            yield Finding(f"tenant {row.tenant}", State.WRONG if model else State.MIND, text, "ostiary risk train")
        yield from _agreement(house, row.tenant)
        for pep in house.store.peps.of_tenant(row.tenant):
            if pep.subjects == "asserted":
                text = f"`{pep.pep_id}` is believed who its subjects are, without a token of theirs"
                yield Finding(f"tenant {row.tenant}", State.MIND, text, "ostiary pep add NAME --subjects token")


def _agreement(house: House, tenant: str) -> Iterator[Finding]:
    try:
        for text, mend in agreement_remarks(house, tenant):
            yield Finding(f"tenant {tenant}", State.MIND, text, mend)
    except OstiaryError as fault:
        yield Finding(f"tenant {tenant}", State.WRONG, fault.message, "ostiary audit verify")


def wrong(findings: list[Finding]) -> bool:
    """Return whether anything is wrong."""
    return any(finding.state is State.WRONG for finding in findings)
