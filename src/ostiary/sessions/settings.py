"""How sessions are kept; units stand in the names."""

import msgspec


class SessionSettings(msgspec.Struct, frozen=True):
    """What an operator may set.

    Attributes:
        skew_s: by how much clocks may differ: a sign-in so soon after a revocation still counts as before it.
        asserted_hold_s: how long after a revocation a subject that shows no token is refused.
        idle_s: a session unseen for so long is forgotten, unless it fell.
        fallen_idle_s: a session that fell and stays unseen for so long is ended for good.
        most_sessions: how many living sessions are remembered; past that those unseen longest go, the fallen last.
        most_proofs: step-ups that hold at once for one session or subject.
    """

    skew_s: float = 60.0
    asserted_hold_s: float = 43_200.0
    idle_s: float = 86_400.0
    fallen_idle_s: float = 604_800.0
    most_sessions: int = 200_000
    most_proofs: int = 16
