"""Limits of the policy room: what a bundle, a source, an evaluation and a sandbox may cost.

Units stand in the names. All are frozen; ``server/config.py`` composes them.

>>> EngineSettings().deadline_ms
250
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine runs.

    Attributes:
        deadline_ms: the answer is DENY ``policy_timeout`` after this; OPA itself cannot be cancelled.
        stuck_ms: an evaluation older than this means that the worker process must be replaced.
        retire_after_ms: how long a replaced engine is kept at least; must exceed ``deadline_ms``.
        gogc: garbage collection target of the Go runtime in percent, for `launch_environment`. A decision that a
            collection falls into takes about twice as long; 800 has half as many as 400, for 50 MB more
            (`benchmarks/bench_collections.py`). Where many tenants have bundles of their own, set ``GOGC`` lower in the
            environment.
        gomaxprocs: threads that run Go code at once; with 1 a decision costs a third less CPU (ADR-0002).
        max_answer_bytes: a longer answer of a policy is malformed.
        max_input_bytes: a longer input document is refused before evaluation. A megabyte of small values costs OPA
            1.5 s, and whoever could make it take longer than ``stuck_ms`` could have workers replaced at will.
        max_hits: more rule hits than this in one answer are malformed.
    """

    deadline_ms: int = 250
    stuck_ms: int = 2_000
    retire_after_ms: int = 5_000
    gogc: int = 800
    gomaxprocs: int = 1
    max_answer_bytes: int = 1_048_576
    max_input_bytes: int = 131_072
    max_hits: int = 256


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """What a bundle may weigh. Archives are measured while they unpack, never after."""

    max_files: int = 512
    max_file_bytes: int = 4 * 1_048_576
    max_total_bytes: int = 32 * 1_048_576
    max_archive_bytes: int = 32 * 1_048_576
    max_path_chars: int = 200
    max_data_depth: int = 32


@dataclass(frozen=True, slots=True)
class LintLimits:
    """What one Rego source may be before OPA's parser is shown it."""

    max_source_bytes: int = 256 * 1024
    max_nesting: int = 64
    max_raw_nesting: int = 512


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What the throw-away process may use that first compiles and runs an unknown bundle."""

    wall_s: float = 90.0
    cpu_s: int = 60
    memory_bytes: int = 4 * 1024**3
    max_report_bytes: int = 8 * 1_048_576
    open_files: int = 64
