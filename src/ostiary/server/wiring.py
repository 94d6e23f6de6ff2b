"""The only place where adapters meet ports: everything that decides, built from a data directory and settings.

``open_house`` gives what both the server and ``ostiary decide`` need; it binds no port and starts no HTTP.

1. Everything is opened in the order of its needs: store, keys, log, then what decides. Closing goes backwards.
2. Each part gets only the ports it asks for; no part sees the settings of another.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.tenants import TenantAdmin
from ostiary.biometrics.book import TemplateBook
from ostiary.decision.decide import Decider
from ostiary.decision.moments import ProfiledSignals
from ostiary.decision.parts import Parts
from ostiary.defence.lessons import Lessons
from ostiary.errors import OstiaryError, RefusedError
from ostiary.gateway.conversations import Conversations
from ostiary.identity.devices import DeviceBook
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.nonces import Nonces
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.settings import DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.workloads.once import SingleUse
from ostiary.keys import KeyRing, SubjectVault, open_keys
from ostiary.pipeline.commits import ApprovedCommits
from ostiary.pipeline.registered import Registry
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import Engine, OpaEngine
from ostiary.policy.limits import EngineSettings
from ostiary.policy.remote import RemoteOpaEngine
from ostiary.policy.rulebook import RuleBook
from ostiary.policy.sandbox import admit
from ostiary.response.streams.pump import Pump
from ostiary.server.access import AccessRoom
from ostiary.server.activation import Activations
from ostiary.server.addresses import public_url
from ostiary.server.admins import Admins
from ostiary.server.admitted import Admitted
from ostiary.server.agreed import Agreed
from ostiary.server.approvals import ApprovalDesk
from ostiary.server.audit_log import open_log
from ostiary.server.biometrics.ports import BehaviourRoom
from ostiary.server.break_glass import GlassRoom
from ostiary.server.devices import open_devices
from ostiary.server.drifting import DriftWatch
from ostiary.server.feedback.suppressions import Suppressions
from ostiary.server.guarding import open_questions
from ostiary.server.issuers import issuer_book
from ostiary.server.judge import LatestSessionRisk
from ostiary.server.knowledge import Knowledge
from ostiary.server.known import directory_of
from ostiary.server.models import Models
from ostiary.server.own_rooms import own_rooms
from ostiary.server.places import Places
from ostiary.server.policies import Policies
from ostiary.server.registry import RememberedRegistry
from ostiary.server.replicas import Together, open_together
from ostiary.server.reports import Reports
from ostiary.server.responding import Responding
from ostiary.server.response_parts import open_responding
from ostiary.server.retrieval import RagRoom
from ostiary.server.rollout import Rollout, open_rollout
from ostiary.server.scorers import Scorers
from ostiary.server.scoring import MODEL_PURPOSE, scored, trusted_model_keys
from ostiary.server.session_memory import SessionMemory
from ostiary.server.settings.sections import IdentitySection, PolicySection, Settings
from ostiary.server.shadow.room import ShadowRoom
from ostiary.server.shared import Shared, open_shared
from ostiary.server.storing import open_store
from ostiary.sessions import SessionLedger
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.rollout import FiguresSource

if TYPE_CHECKING:
    from ostiary.server.biometrics.room import BiometricsRoom

OnFault = Callable[[str, BaseException], None]


class House(msgspec.Struct, frozen=True):
    """Everything that decides, open. Close it, or use it as a context manager."""

    places: Places
    settings: Settings
    clock: Clock
    store: Store
    shared: Shared
    together: Together
    ring: KeyRing
    vault: SubjectVault
    log: AuditLog
    tenants: TenantAdmin
    admins: Admins
    authenticator: PepAuthenticator
    subjects: SubjectVerifier
    issuers: IssuerBook
    knowledge: Knowledge
    policies: Policies
    scorers: Scorers
    rollout: Rollout
    ledger: SessionLedger
    session_memory: SessionMemory
    devices: DeviceBook
    models: Models
    approvals: ApprovalDesk
    drift: DriftWatch
    decider: Decider
    response: Responding
    conversations: Conversations
    rag: RagRoom
    suppressions: Suppressions
    reports: Reports
    shadow: ShadowRoom
    figures: FiguresSource
    access: AccessRoom
    agreed: Agreed
    activations: Activations
    glass: GlassRoom
    opened: ExitStack
    templates: TemplateBook
    behaviour: BehaviourRoom | None = None
    biometrics: "BiometricsRoom | None" = None

    @property
    def streams(self) -> Sequence[Pump]:
        """What of the log is told to whom."""
        return self.response.streams

    @property
    def commits(self) -> ApprovedCommits:
        """Which commits are approved."""
        return ApprovedCommits(self.store.snapshots)

    @property
    def registry(self) -> Registry:
        """What is registered at the pipeline's doors."""
        return Registry(self.store.snapshots)

    def __enter__(self) -> Self:
        """Return the house itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def warm_up(self, on_fault: OnFault) -> None:
        """Load policy, model and catalogue of every tenant, so that no decision has to wait for one."""
        for tenant in [row.tenant for row in self.tenants.living()]:
            for load in (self.policies.load, self.scorers.scorer, self.knowledge.enricher):
                try:
                    load(tenant)
                except OstiaryError as fault:  # this tenant is denied until it is mended; the others are served
                    on_fault(fault.code, fault)

    def close(self) -> None:
        """Save what was learned, write what is queued, release everything."""
        self.opened.close()


def open_house(
    places: Places,
    settings: Settings,
    clock: Clock,
    on_fault: OnFault,
    *,
    bundle: Path | None = None,
    serving: bool = False,
) -> House:
    """Open a data directory and put everything together.

    Args:
        places: where it lies; missing files are made.
        settings: the configuration.
        clock: the only source of time.
        on_fault: told of faults that were answered with a denial, for logs and metrics.
        bundle: a policy bundle to use for every tenant instead of any other.
        serving: whether this is the one process that keeps profiles for good; others may run beside it.

    Raises:
        OstiaryError: something needed is missing, damaged or open to others.
    """
    if places.retired.exists():  # two living copies of one log would fork it
        text = f"a restored copy has taken the place of `{places.root}`: two logs of one name may not both go on"
        raise RefusedError("data_retired", text)
    with ExitStack() as opening:
        parts = _open(places, settings, clock, on_fault, bundle, opening, serving=serving)
        keys = partial(trusted_model_keys, places, parts["ring"])
        parts |= own_rooms(parts, places, settings, clock, on_fault, opening, keys)
        return House(places=places, settings=settings, clock=clock, **parts, opened=opening.pop_all())


def _open(
    places: Places,
    settings: Settings,
    clock: Clock,
    on_fault: OnFault,
    bundle: Path | None,
    opening: ExitStack,
    *,
    serving: bool,
) -> dict[str, Any]:
    ground = _ground(places, settings, clock, on_fault, opening, serving=serving)
    store, ring, log, shared = ground["store"], ground["ring"], ground["log"], ground["shared"]
    issuers = issuer_book(settings, store.snapshots, ring, clock)
    authenticator, subjects = _identity(settings.identity, issuers, store, shared)
    knowledge = _knowledge(places, settings, store, shared, clock, on_fault, serving=serving)
    policies = _policies(places, settings.policy, bundle, store, clock, on_fault)
    opening.callback(policies.close)
    memory, scorers = scored(places, settings, ring, on_fault, store)
    keys = partial(trusted_model_keys, places, ring)
    directory = directory_of(settings, knowledge, store)
    rollout = open_rollout(settings.phases.table(), log, ring, places.keys, directory, clock, on_fault)
    ledger = shared.ledger(store, settings.sessions.kept(settings.identity.clock_skews_s), on_fault)
    devices = open_devices(settings.devices, store.devices, log, shared, on_fault, public_url(settings.server))
    parts = Parts(
        subjects=subjects,
        directory=directory,
        sessions=ledger,
        signals=ProfiledSignals(knowledge),
        scorers=scorers,
        policies=policies,
        phases=rollout,
        recorder=log,
        session_risk=LatestSessionRisk(ledger),
        devices=devices,
        commits=ApprovedCommits(store.snapshots),
        questions=open_questions(settings.defence, store.budgets),
        degraded=shared.degraded,
        on_fault=on_fault,
    )
    responding = partial(open_responding, places, settings.response, settings.export, store, log, ledger)
    return {
        **ground,
        "tenants": TenantAdmin(log, ring, clock),
        "authenticator": authenticator,
        "subjects": subjects,
        "issuers": issuers,
        "knowledge": knowledge,
        "policies": policies,
        "scorers": scorers,
        "rollout": rollout,
        "ledger": ledger,
        "session_memory": memory,
        "devices": devices,
        "decider": Decider(parts),
        "response": responding(scorers, clock, on_fault, keys, rollout.playbooks, devices),
    }


def _ground(
    places: Places, settings: Settings, clock: Clock, on_fault: OnFault, opening: ExitStack, *, serving: bool
) -> dict[str, Any]:
    """Open what everything else stands on: store, keys, what replicas share, the log."""
    store = opening.enter_context(open_store(places, settings.store, clock))
    ring, vault = open_keys(places.keys, store, clock)
    together = open_together(settings, places, store, vault, clock, serving=serving)
    shared = open_shared(settings, store, vault, clock, on_fault, opening)
    writing = open_log(places, settings.audit, store, vault, ring, clock, together, on_fault)
    log = opening.enter_context(writing)
    return {"store": store, "ring": ring, "vault": vault, "together": together, "shared": shared, "log": log}


def _identity(
    settings: IdentitySection, issuers: IssuerBook, store: Store, shared: Shared
) -> tuple[PepAuthenticator, SubjectVerifier]:
    tokens = TokenMemory(issuers)
    dpop = DpopSettings(nonce_s=settings.dpop_nonce_s)
    nonces = Nonces(shared.secret("dpop-nonce"), dpop.nonce_s) if dpop.nonce_s else None
    subjects = SubjectVerifier(tokens, DpopVerifier(dpop, shared.proofs(dpop), nonces), SingleUse(store.used_tokens))
    return PepAuthenticator(RememberedRegistry(store.peps), tokens), subjects


def _knowledge(
    places: Places, settings: Settings, store: Store, shared: Shared, clock: Clock, on_fault: OnFault, *, serving: bool
) -> Knowledge:
    signals, lessons = settings.signals, Lessons(settings.drift.lessons_free, settings.drift.lessons_share)
    # Replicas learn everything, each in its own order: what one puts away would stand where another's stands.
    overflow = store.profiles if signals.profiles_overflow == "disk" and not shared.several else None
    return Knowledge(places, signals, clock.now_ns, on_fault, overflow, borrowed=not serving, lessons=lessons)


def _policies(
    places: Places, settings: PolicySection, bundle: Path | None, store: Store, clock: Clock, on_fault: OnFault
) -> Policies:
    def open_engine(loaded: Bundle) -> Engine:
        if settings.engine == "remote":
            limits = EngineSettings(deadline_ms=settings.timeout_ms)
            words = RuleBook.read(loaded.live_sources)
            return RemoteOpaEngine(settings.url, token=settings.token.get_secret_value(), rules=words, settings=limits)
        return OpaEngine(loaded, sparing=True)

    admitted = Admitted(store, clock)
    if bundle is not None:
        return Policies(Places(places.root / "-"), bundle, open_engine, admit, admitted, on_fault, trial=True)
    return Policies(places, settings.bundle, open_engine, admit, admitted, on_fault)


__all__ = ["MODEL_PURPOSE", "House", "open_house", "trusted_model_keys"]
