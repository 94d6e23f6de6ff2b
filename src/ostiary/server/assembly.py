"""The application of one worker, put together from an open house: who answers, who counts, who keeps watch.

Everything that runs beside the requests is here too: learning, saving profiles, writing refusal counts, pruning.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

import msgspec

from ostiary.audit.retention import prune
from ostiary.audit.tile_http import TileFace
from ostiary.decision.decide import Decider
from ostiary.decision.parts import Decided
from ostiary.errors import VerificationError
from ostiary.identity.one_request import OneRequest
from ostiary.identity.signing import sign_jwt
from ostiary.server.access.hint import told_at_doors, told_of
from ostiary.server.addresses import public_url
from ostiary.server.admin.gate import Gate
from ostiary.server.admin.late import LateAdmin
from ostiary.server.app import App
from ostiary.server.authzen import AuthZen, AuthZenLimits
from ostiary.server.biometrics.beside import behaviour_chores
from ostiary.server.chores import Chore, Chores
from ostiary.server.composed import (
    body_limits,
    crew_settings,
    fail_open,
    proxies_of,
    retention_of,
    threads_of,
    tracer_of,
)
from ostiary.server.crew import LEAST_S, Crew
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.decision_index.opening import projector_of
from ostiary.server.desk import ClosingFace, FaceDesk, OpeningFace, open_faces
from ostiary.server.doors import Doors
from ostiary.server.following import TURN_S, follower_of
from ostiary.server.forwarded import Proxies
from ostiary.server.gauges import open_gauges
from ostiary.server.judge import SessionJudge
from ostiary.server.learnable import lesson_of, teaches_of
from ostiary.server.metadata import Metadata
from ostiary.server.one_at_a_time import OneAtATime
from ostiary.server.opa_api import OpaData
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.public import PublicFace
from ostiary.server.refusals import Refusals
from ostiary.server.replicas.in_force import in_force_chores
from ostiary.server.settings.sections import ServerSection, Settings
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.observer import Learner, Telemetry
from ostiary.server.upkeep import upkeep_chores
from ostiary.server.wiring import House

METADATA_PURPOSE: Final = "metadata"
FLUSH_S: Final = 5.0
SAVE_S: Final = 600.0
RELOAD_S: Final = 0.25
TOUCHES_S: Final = 1.0
SWEEP_S: Final = 5.0
PRUNE_S: Final = 6 * 3600.0
TEND_S: Final = 2.0
INDEX_S: Final = 0.5


class Faults:
    """Where faults go that were answered with a denial: the log, for whoever mends them; failed proofs are counted."""

    def __init__(self, log: Any, metrics: Metrics) -> None:
        """Take both."""
        self._log = log
        self._metrics = metrics

    def __call__(self, reason: str, fault: BaseException) -> None:
        """Tell of one fault."""
        if isinstance(fault, VerificationError):
            self._metrics.verify_error()
        self._log.error("fault", reason=str(reason), exc_info=fault)


class Assembly:
    """One worker's application with all that lives beside it."""

    def __init__(self, house: House, metrics: Metrics, log: Any, on_stuck: Callable[[], None]) -> None:
        """Put everything together; nothing runs before the application's start."""
        settings = house.settings
        self.house = house
        self.faults = Faults(log, metrics)
        self._log = log
        self.stuck = False
        self._on_stuck = on_stuck
        self._judge = _judge(house, self.faults)
        several = house.shared.several
        self._follower = follower_of(house, self._learned, self._others, self.faults) if several else None
        self._learner = Learner(self._after, self.faults, lesson_of)
        self._tracer = tracer_of(settings)
        self.telemetry = Telemetry(metrics, log, self._tracer, self._learner, fail_open(settings))
        self.telemetry.listen(house.response.decided)
        self.telemetry.listen(house.shadow.decided)
        self.crew = Crew(crew_settings(settings.server), on_stuck=self._is_stuck, on_fault=self.faults)
        house.log.be_patient(lambda: self.crew.waiting * LEAST_S)
        self.refusals = Refusals(house.log, house.clock, metrics, self.faults)
        self._told = told_of(settings)
        self.authzen = self._authzen(settings.server)
        limits = body_limits(settings.server)
        self.faces = open_faces(self._desk(settings.server, metrics))
        self.app = App(
            self.authzen,
            self._public(settings, metrics),
            Gate(
                LateAdmin(house, self.refusals),
                limits,
                settings.server.receive_timeout_s,
                self.faults,
                house.admins.knows,
            ),
            self.faces,
            start=self._start,
            stop=self._stop,
            on_fault=self.faults,
            opa=OpaData(self.authzen, limits),
        )
        self.projector = projector_of(house, self.faults)
        self._chores = Chores(self._all_chores(), self.faults, lambda: house.together.keeper.leads)
        house.together.listen(house.response.look_again)
        open_gauges(metrics, house, self.authzen, self.crew, self._learner)
        if (follower := self._follower) is not None:
            metrics.gauge("ostiary_log_behind", "records that are not learned yet", lambda: follower.behind)

    def _after(self, decided: Decided) -> None:
        """Judge the session of a decision, then let the profiles learn from its event."""
        try:
            self._judge.observe(decided)
        except Exception as fault:  # noqa: BLE001 - the session keeps what was known of it, and learning goes on
            self.faults("session_not_judged", fault)
        learn = self._learned if self._follower is None else self._follower.own
        learn(decided)

    def _learned(self, decided: Decided) -> None:
        """Take in a decision, of this replica or another."""
        teaches = teaches_of(decided)  # once: it reads the whole input of the decision
        self.house.drift.observe(decided, quiet=teaches)
        if decided.event is not None:
            self.house.knowledge.learn(decided.event, teaches=teaches)

    def _others(self, decided: Decided) -> None:
        """Hear of a decision of another replica: should that die, what it answers is still looked at by the keeper."""
        if self.house.together.keeper.leads:
            self.house.response.decided(decided)

    def _authzen(self, settings: ServerSection) -> AuthZen:
        house = self.house
        limits = AuthZenLimits(
            body=body_limits(settings),
            max_evaluations=settings.max_evaluations,
            max_in_flight=settings.max_in_flight,
            receive_timeout_s=settings.receive_timeout_s,
            deadline_s=settings.deadline_ms / 1000,
            parallel=threads_of(settings),
        )

        def per_request(decider: Decider) -> Decider:
            once = OneAtATime(OneRequest(house.subjects))
            return Decider(msgspec.structs.replace(decider.parts, subjects=once))

        return AuthZen(
            authenticator=house.authenticator,
            decider=house.decider,
            crew=self.crew,
            clock=house.clock,
            proxies=proxies_of(settings),
            refusals=self.refusals,
            observer=self.telemetry,
            limits=limits,
            per_request=per_request,
            nonce=house.subjects.dpop_nonce,
            told=self._told,
        )

    def _desk(self, settings: ServerSection, metrics: Metrics) -> FaceDesk:
        return FaceDesk(
            house=self.house,
            metrics=metrics,
            refusals=self.refusals,
            faults=self.faults,
            log=self._log,
            proxies=proxies_of(settings),
            limits=body_limits(settings),
            receive_timeout_s=settings.receive_timeout_s,
            base_url=public_url(settings),
            doors=self._doors(settings),
            tracer=self._tracer,
            draining=lambda: self.app.draining,
        )

    def _doors(self, settings: ServerSection) -> Doors:
        return Doors(
            house=self.house,
            crew=self.crew,
            observer=self.telemetry,
            refusals=self.refusals,
            proxies=proxies_of(settings),
            base_url=public_url(settings),
            told=told_at_doors(self.house.settings),
        )

    def _public(self, settings: Settings, metrics: Metrics) -> PublicFace:
        ring = self.house.ring

        def sign(claims: dict[str, Any]) -> str:
            return sign_jwt(claims, ring.active(DEFAULT_TENANT, METADATA_PURPOSE), {"typ": "JWT"})

        asking = bool(settings.access_requests.types)
        return PublicFace(
            metadata=Metadata(public_url(settings.server), self.house.clock, sign, requests=asking),
            jwks=lambda: ring.jwks(DEFAULT_TENANT, METADATA_PURPOSE),
            tiles=TileFace(self.house.log.store, self.house.log.public_keys),
            metrics=metrics,
            metrics_from=Proxies(settings.telemetry.metrics_from),
            unready=self._unready,
            degraded=self.house.shared.degraded,
        )

    def _unready(self) -> dict[str, str]:
        """Return what keeps this worker from deciding or recording."""
        wrong: dict[str, str] = {}
        if self.app.draining:
            wrong["server"] = "draining"
        if self.stuck:
            wrong["policy"] = "an evaluation does not end"
        if self.house.together.wrong:
            wrong["replica"] = self.house.together.wrong
        try:
            self.house.policies.engine(DEFAULT_TENANT)
            self.house.log.head()
            self.house.log.check()
        except Exception as fault:  # noqa: BLE001 - whatever it is, this worker is not ready
            wrong["decision"] = getattr(fault, "code", type(fault).__name__)
        return wrong

    def _is_stuck(self, where: str) -> None:
        if not self.stuck:
            self.stuck = True
            self._log.error("a policy evaluation does not end: this worker must be replaced", at=where)
            self._on_stuck()

    async def _start(self) -> None:
        self.crew.start()
        self.house.shared.serve(self.house.ledger)
        self._chores.start()
        for face in self.faces:
            if isinstance(face, OpeningFace):
                await face.open()

    async def _stop(self) -> None:
        await self._chores.stop()
        for face in self.faces:
            if isinstance(face, ClosingFace):
                await face.close()
        self.crew.close()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self.refusals.flush()
        self._learner.close()
        self.house.ledger.flush()
        self.save_profiles()
        self.house.together.close(self.faults)
        if self._tracer is not None:
            self._tracer.close()

    def _all_chores(self) -> list[Chore]:
        ledger = self.house.ledger
        return [
            # The command line, or a worker that takes over for another, writes to the same store.
            Chore("sessions_not_reloaded", RELOAD_S, ledger.reload),
            Chore("sessions_not_written", TOUCHES_S, ledger.flush),
            Chore("sessions_not_swept", SWEEP_S, lambda: ledger.sweep(self.house.clock.now_ns()), once=True),
            Chore("refusal_not_recorded", FLUSH_S, self.refusals.flush),
            Chore("profiles_not_saved", SAVE_S, self.save_profiles),
            Chore("retention_failed", PRUNE_S, self.prune, once=True),
            Chore("shadow_not_tended", TEND_S, self.house.shadow.tend),
            Chore("decisions_not_indexed", INDEX_S, self.projector.catch_up, once=True),
            *upkeep_chores(self.house, self._log),
            *behaviour_chores(self.house),
            *self.house.shared.chores(),
            *self.house.together.chores(),
            *in_force_chores(self.house, self.faults),
            *([Chore("decisions_not_followed", TURN_S, self._follower.catch_up)] if self._follower else []),
            *(chore for face in self.faces for chore in face.chores()),
        ]

    def save_profiles(self) -> None:
        """Store every tenant's profiles with how far they have learned, and what models of sessions remember."""
        with self._follower.saving() if self._follower else nullcontext(self.house.log.head().size) as next_index:
            for tenant in self.house.knowledge.tenants():
                try:
                    self.house.knowledge.save(tenant, self.house.store.snapshots, next_index)
                except Exception as fault:  # noqa: BLE001 - they will be learned again from the log
                    self.faults("profiles_not_saved", fault)
        self.house.session_memory.save(self.house.clock.now_ns())

    def prune(self) -> None:
        """Erase what retention no longer keeps."""
        policy = retention_of(self.house.settings.audit.retention)
        for row in self.house.tenants.living() if policy.days else ():
            try:
                prune(self.house.log, self.house.clock, row.tenant, policy)
            except Exception as fault:  # noqa: BLE001 - tried again in some hours
                self.faults("retention_failed", fault)
        follow_erasures(self.house.log, self.house.store.decisions)


def restore_profiles(house: House) -> int:
    """Load every tenant's profiles and learn what the log has had since; return how many events that was."""
    end = house.knowledge.next_index = house.log.head().size
    living = (row.tenant for row in house.tenants.living())
    return sum(house.knowledge.restore(tenant, house.store.snapshots, house.log, end) for tenant in living)


def _judge(house: House, on_fault: Callable[[str, BaseException], None]) -> SessionJudge:
    return SessionJudge(
        ledger=house.ledger,
        scorers=house.scorers,
        policies=house.policies,
        phases=house.rollout,
        recorder=house.log,
        rule=house.settings.sessions.rule(),
        on_fault=on_fault,
    )
