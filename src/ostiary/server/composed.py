"""What sections of the configuration come to: the small values that the assembly works with."""

import os

from ostiary.audit.retention import RetentionPolicy
from ostiary.server.body import BodyLimits
from ostiary.server.crew import CrewSettings
from ostiary.server.forwarded import Proxies
from ostiary.server.settings.audit import RetentionSection
from ostiary.server.settings.sections import ServerSection, Settings
from ostiary.server.telemetry.traces import Tracer


def fail_open(settings: Settings) -> tuple[str, ...]:
    """Return the options that let every answer of this process through before what they weaken is done."""
    return ("audit.durability",) if settings.audit.durability == "async" else ()


def tracer_of(settings: Settings) -> Tracer | None:
    """Return what sends traces, ``None`` where nobody takes them."""
    told = settings.telemetry
    return Tracer(told.otlp_endpoint, told.otlp_headers.get_secret_value()) if told.otlp_endpoint else None


def threads_of(settings: ServerSection) -> int:
    """Return how many threads decide."""
    return settings.threads or (os.cpu_count() or 1) + 1


def crew_settings(settings: ServerSection) -> CrewSettings:
    """Return how the crew works."""
    return CrewSettings(
        threads=threads_of(settings),
        deadline_s=settings.deadline_ms / 1000,
        stuck_s=settings.stuck_ms / 1000,
        record_wait_s=settings.record_wait_ms / 1000,
    )


def proxies_of(settings: ServerSection) -> Proxies:
    """Return whom to believe about a caller's address."""
    return Proxies(settings.trusted_proxies, settings.forwarded_header, settings.client_cert_header)


def body_limits(settings: ServerSection) -> BodyLimits:
    """Return what a body may be."""
    return BodyLimits(settings.max_body_bytes, settings.max_depth)


def retention_of(settings: RetentionSection) -> RetentionPolicy:
    """Return how long records of each kind are kept; without days, for ever."""
    days = {
        "decision": settings.decision_days,
        "admin": settings.admin_days,
        "device": settings.device_days,
        "inference": settings.inference_days,
        "shadow": settings.shadow_days,
    }
    return RetentionPolicy({kind: count for kind, count in days.items() if count})
