"""The gauges of a serving process: its log, its queues, its disk, its tenants."""

from ostiary.audit.reserve import free_bytes
from ostiary.policy.excerpts import times_missed
from ostiary.server.authzen import AuthZen
from ostiary.server.biometrics.beside import behaviour_gauges
from ostiary.server.crew import Crew
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.observer import Learner
from ostiary.server.wiring import House


def open_gauges(metrics: Metrics, house: House, authzen: AuthZen, crew: Crew, learner: Learner) -> None:
    """Add what a serving process tells of itself, beside what its faces tell."""
    metrics.gauge("ostiary_audit_chain_height", "records in the log", lambda: house.log.head().size)
    metrics.gauge("ostiary_audit_waiting", "records on their way to the disk", lambda: house.log.stats.waiting)
    metrics.gauge("ostiary_learning_waiting", "events to be learned", lambda: learner.waiting)
    metrics.gauge("ostiary_requests_in_flight", "decision requests being answered", lambda: authzen.in_flight)
    metrics.gauge("ostiary_late_decisions", "decisions that missed their deadline", lambda: crew.late)
    metrics.gauge("ostiary_policy_reads_missed", "questions whose rules read more than was found", times_missed)
    metrics.gauge("ostiary_disk_free_bytes", "free where the log lies", lambda: float(free_bytes(house.places.root)))
    metrics.gauge("ostiary_tenants", "living tenants", lambda: len(house.tenants.living()))
    behaviour_gauges(metrics, house)
    house.shared.gauges(metrics)
    house.together.gauges(metrics, house.log)
