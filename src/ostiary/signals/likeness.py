"""What a comparison of an access with other subjects says. ``lookalikes`` compares."""

from collections.abc import Mapping
from typing import Final

import msgspec

_NAN: Final = float("nan")


class Lookalike(msgspec.Struct, frozen=True, gc=False):
    """Who fits best, and how much better than the subject, in nats; NaN where there is nobody to compare with.

    Attributes:
        key: the best candidate's key, empty for none.
        gain: how much better it fits than the subject.
        resource, place, hour: the parts of the gain.
        ahead: the gain over that of the next best or of the subject.
        crowd: mean chance under the candidates over the subject's own.
        silence: how much longer than usual the best candidate is silent.
        suspect: evidence for the candidate for whom most was gathered, this access included.
        suspect_gain: how much better this access fits that one than the subject.
        suspect_silence: how much longer than usual that one is silent.
        suspect_times: how many accesses fitted that one better before.
        before: the most evidence that was gathered for anybody, this access left out; 0 for none.
        gains: of every candidate, to learn from.
    """

    key: str = ""
    gain: float = _NAN
    resource: float = _NAN
    place: float = _NAN
    hour: float = _NAN
    ahead: float = _NAN
    crowd: float = _NAN
    silence: float = _NAN
    suspect: float = _NAN
    suspect_gain: float = _NAN
    suspect_silence: float = _NAN
    suspect_times: int = 0
    before: float = 0.0
    gains: Mapping[str, float] = {}
