"""Rounds that others disturbed do not count, and a machine that is never quiet is an error that says so."""

import time
from pathlib import Path

import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.server.bench import rounds as under_test
from ostiary.server.bench.load import _whole
from ostiary.server.bench.quiet import Watch, cpu_s, pinned
from ostiary.server.bench.rounds import BUSY, Loop, Round, Rules, median_of, rounds

LOOP = Loop(ports=(1,), bodies=Path("bodies"), api_key="pep.secret", connections=4)
ROUND = Round(
    per_s=10.0,
    p50_us=1.0,
    p99_us=2.0,
    answered=10,
    denied=1,
    errors=0,
    server_cpu_us=5.0,
    client_cpu_us=1.0,
    others=0.0,
)


def _rules(*, anyway: bool = False, left_s: float = 60.0) -> Rules:
    return Rules(seconds=0.1, repeat=2, cores=(0, 1), until=time.monotonic() + left_s, anyway=anyway)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Round]:
    """Return the rounds that will come, one after another; an endless machine repeats the last."""
    coming: list[Round] = []
    monkeypatch.setattr(under_test, "ask", lambda *_: {"requests": 7})
    monkeypatch.setattr(under_test, "_round", lambda *_: coming.pop(0) if len(coming) > 1 else coming[0])
    return coming


def test_disturbed_rounds_are_done_again(told: list[Round]) -> None:
    busy = msgspec.structs.replace(ROUND, per_s=1.0, others=BUSY + 0.1)
    told += [busy, ROUND, busy, ROUND]
    said: list[str] = []
    assert rounds(LOOP, (1,), _rules(), said.append) == [ROUND, ROUND]
    assert sum("not counted" in text for text in said) == 2


def test_a_machine_that_is_never_quiet_is_an_error(told: list[Round]) -> None:
    told.append(msgspec.structs.replace(ROUND, others=0.9))
    with pytest.raises(UnavailableError, match="90% of the processor") as caught:
        rounds(LOOP, (1,), _rules(left_s=0.05), lambda _: None)
    assert caught.value.code == "machine_busy"


def test_answers_of_rounds_that_do_not_count_are_looked_for_too(told: list[Round]) -> None:
    told += [msgspec.structs.replace(ROUND, others=BUSY + 0.1, answered=5), ROUND]
    answered: list[int] = []
    rounds(LOOP, (1,), _rules(), lambda _: None, answered.append)
    assert answered == [7, 5, 10, 10], "the warming up, a disturbed round, two that count"


def test_what_is_disturbed_counts_where_somebody_wants_it(told: list[Round]) -> None:
    told.append(msgspec.structs.replace(ROUND, others=0.9))
    assert len(rounds(LOOP, (1,), _rules(anyway=True), lambda _: None)) == 2


def test_the_median_round_bears_the_faults_of_all() -> None:
    kept = [msgspec.structs.replace(ROUND, per_s=rate, errors=1) for rate in (3.0, 1.0, 2.0)]
    one = median_of(kept)
    assert (one.per_s, one.errors, one.answered, one.denied) == (2.0, 3, 30, 3)


def test_a_client_that_breaks_off_is_an_error_with_its_words(tmp_path: Path) -> None:
    loop = msgspec.structs.replace(LOOP, bodies=tmp_path / "none")
    with pytest.raises(UnavailableError, match="none") as caught:
        under_test.ask(loop, 0.1)
    assert caught.value.code == "bench_load_failed"


def test_an_answer_is_whole_however_its_length_is_told() -> None:
    for name in (b"content-length", b"Content-Length"):
        answer = b"HTTP/1.1 200 OK\r\n" + name + b": 3\r\nx: y\r\n\r\nyes"
        assert [_whole(answer[:at]) for at in (10, len(answer) - 1, len(answer))] == [False, False, True]
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n"
    assert [_whole(chunked[:-1]), _whole(chunked)] == [False, True]


def test_others_are_what_is_left_of_the_busy_time() -> None:
    with pinned(1) as cores:
        assert len(cores) == 1
        assert 0.0 <= Watch(cores).others(0.0) <= 1.0
        assert Watch(cores).others(1e9) == 0.0
    assert cpu_s((10**9,)) == 0.0
