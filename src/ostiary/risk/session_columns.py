"""The columns of the session so far: name, unit, direction and meaning of each, in the order of a row.

Rules:
- A direction of 1 is a promise: more of it never lowers the score of the session (the trees are held to it).
- What a session has told once stays told: silence keeps the last value and raises ``silenced``, so hiding is no way
  down.
- NaN is what the session has never told. The order is part of the model; a model names the columns it was grown on.
"""

from typing import Final, NamedTuple

FACETS: Final = ("network", "country", "device", "agent", "key")
"""What may change hands inside a session."""


class Column(NamedTuple):
    """One column: its name without the prefix, unit, direction (1 rising, 0 free) and meaning."""

    name: str
    unit: str
    rising: int
    means: str


COLUMNS: Final[tuple[Column, ...]] = (
    Column("age", "ln(1+min)", 0, "since the session began"),
    Column("idle", "ln(1+min)", 0, "pause before this access"),
    Column("accesses", "ln(1+n)", 0, "accesses so far"),
    Column("risk_worst", "nats", 1, "riskiest access of the session"),
    Column("risk_decayed", "nats", 1, "risk above what is usual, summed, half of it forgotten in an hour"),
    Column("risk_since_proof", "nats", 1, "riskiest access since the last step-up that succeeded"),
    *(
        Column(f"{facet}_{what}", unit, 1, means.format(facet))
        for facet in FACETS
        for what, unit, means in (
            ("away", "0 or 1", "{} is another than the one the session began with"),
            ("changes", "ln(1+n)", "changes of {} within the session"),
        )
    ),
    Column("changed_at_once", "facets", 1, "most facets that changed between two accesses"),
    Column("changed_quickly", "1/(1+min)", 1, "how short the shortest pause was over which network or device changed"),
    Column("returns", "ln(1+n)", 1, "changes back to a network, device or key seen before: two who take turns"),
    Column("changes_since_proof", "ln(1+n)", 1, "changes since the last step-up that succeeded"),
    Column("silenced", "facts", 1, "facts that the session told before and this access does not"),
    Column("posture_faults", "checks", 1, "failed checks of the device"),
    Column("posture_worst", "checks", 1, "most failed checks in this session"),
    Column("posture_fell", "checks", 1, "failed checks more than at the session's first report"),
    Column("posture_age", "ln(1+h)", 1, "age of the posture report"),
    Column("patch_age", "ln(1+d)", 1, "age of the device's patches"),
    Column("unmanaged", "0 or 1", 1, "a device that was managed in this session is not any more"),
    Column("hour_surprise", "nats", 1, "how unusual the hour is for the subject"),
    Column("hour_worst", "nats", 1, "the same, worst of the session"),
    Column("weight", "ln(1+x)", 1, "accesses weighed by sensitivity and amount"),
    Column("weight_unusual", "deviations", 1, "the same against the subject's usual session"),
    Column("count", "ln(1+n)", 1, "rows, files or objects touched"),
    Column("bytes", "ln(1+n)", 1, "bytes moved"),
    Column("sensitive", "ln(1+n)", 1, "accesses to what is restricted or a crown jewel"),
    Column("takes", "ln(1+n)", 1, "exports, deletions and administrative acts"),
    Column("pace", "ln(1+n)", 1, "accesses lately, half of them forgotten in two minutes"),
    Column("behaviour_llr", "nats", 1, "how much likelier another person types and moves so, weighed by confidence"),
    Column("behaviour_worst", "nats", 1, "the same, worst of the session"),
    Column("behaviour_cusum", "nats", 1, "the same, summed; good evidence takes it back to none"),
    Column("behaviour_shift", "nats", 0, "the same, against the mean of the session before"),
    Column("behaviour_replayed", "0 to 1", 1, "how little it looks live"),
    Column("failures", "ln(1+n)", 1, "accesses refused or failed"),
    Column("streak", "n", 1, "of them in a row up to now"),
    Column("streak_worst", "n", 1, "the longest such row"),
    Column("step_ups", "ln(1+n)", 0, "step-ups demanded"),
    Column("step_ups_failed", "ln(1+n)", 1, "of them tried and refused"),
    Column("step_ups_ignored", "ln(1+n)", 1, "accesses since a demand that nobody answered"),
    Column("proofs", "ln(1+n)", 0, "step-ups that succeeded"),
    Column("proven_age", "ln(1+min)", 0, "since the last of them"),
    Column("resources", "ln(1+n)", 1, "distinct resources"),
    Column("collections", "ln(1+n)", 1, "distinct collections"),
    Column("resources_new", "ln(1+n)", 1, "of the resources those that the subject had never used"),
    Column("collections_new", "ln(1+n)", 1, "of the collections those that the subject had never used"),
    Column("peer_surprise", "nats", 1, "how rarely the subject's peers use such collections, mean of the session"),
    Column("peerless", "ln(1+n)", 1, "accesses to collections that no peer uses"),
)
NAMES: Final = tuple(f"so_far_{column.name}" for column in COLUMNS)
"""Names of the columns, as models know them."""

RISING: Final = tuple(column.rising for column in COLUMNS)
"""Direction of each column."""
