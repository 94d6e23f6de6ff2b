"""A state is the same after a round trip, and nothing that lies in a store breaks the reader."""

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.biometrics.model import Template
from ostiary.biometrics.updating import State, Waiting, anchor_digest, pack_state, unpack_state
from ostiary.errors import FaultyInputError


def state() -> State:
    one, other = Template(np.arange(6.0).reshape(2, 3), 5, 2), Template(np.ones((2, 3)), 5, 2)
    return State(
        "sha256:m", one, other, 1.5, 8, other, 3, 0.5, "", 20_000, (Waiting(np.array([1.0, 2.0, 3.0]), "s1", 7),), 4, 9
    )


def test_a_state_comes_back_as_it_was() -> None:
    kept = pack_state(state())
    back = unpack_state(kept)
    assert pack_state(back) == kept
    assert back.waiting[0].row.tolist() == [1.0, 2.0, 3.0]
    assert (back.level, back.missing, back.counted, back.day, back.steadied, back.since) == (1.5, 0.5, 4, 20_000, 3, 9)
    assert anchor_digest(back) == anchor_digest(state())


def test_another_anchor_has_another_digest_and_another_adaptive_template_has_not() -> None:
    kept = state()
    assert anchor_digest(msgspec.structs.replace(kept, anchor=kept.adaptive)) != anchor_digest(kept)
    assert anchor_digest(msgspec.structs.replace(kept, adaptive=kept.anchor)) == anchor_digest(kept)


def test_numbers_that_are_none_and_tables_of_other_sizes_are_refused() -> None:
    kept = state()
    bad = [
        msgspec.structs.replace(kept, level=float("nan")),
        msgspec.structs.replace(kept, missing=float("inf")),
        msgspec.structs.replace(kept, adaptive=Template(np.full((2, 3), np.nan), 5)),
        msgspec.structs.replace(kept, alarm="x" * 600),
    ]
    for one in bad:
        with pytest.raises(FaultyInputError) as refused:
            unpack_state(pack_state(one))
        assert refused.value.code == "template_malformed"
    with pytest.raises(FaultyInputError, match="too large"):
        unpack_state(bytes(17 << 20))


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_no_bytes_break_the_reader(noise, at, value) -> None:
    kept = bytearray(pack_state(state()))
    kept[at % len(kept)] = value
    for data in (noise, bytes(kept), bytes(kept[: at % len(kept)])):
        found = None
        with contextlib.suppress(FaultyInputError):
            found = unpack_state(data)
        assert found is None or np.isfinite(found.anchor.centre).all()
