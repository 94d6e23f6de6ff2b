"""Engines for queries beside a busy server: with thousands of open handles, and after one of them has ended."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator

import pytest

from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.training.burial import FirstProcess
from ostiary.storage.duckdb import DuckEngine

MANY = 1_100


@pytest.fixture
def many_handles() -> Iterator[None]:
    """Open so many that the next one has a number beyond 1023, the last that ``select`` knows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * MANY:
        pytest.skip("this process may not open so many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
    first = os.open(os.devnull, os.O_RDONLY)
    with contextlib.ExitStack() as held:
        for handle in [first, *(os.dup(first) for _ in range(MANY))]:
            held.callback(os.close, handle)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_handles")
def test_an_engine_that_begins_while_a_thousand_callers_are_here_answers() -> None:
    engine = DuckEngine(ready=1)
    try:
        for _ in range(2):
            assert engine.run("SELECT 7 AS n", {}, Limits()).to_pydict() == {"n": [7]}
    finally:
        engine.close()


@pytest.mark.usefixtures("many_handles")
def test_the_end_of_a_sandbox_is_seen_by_a_handle_of_any_number() -> None:
    with subprocess.Popen(["true"]) as process:
        first = FirstProcess.__new__(FirstProcess)
        first.pid, first._handle = process.pid, os.pidfd_open(process.pid)
        assert first._handle > 1023
        try:
            first.wait()
        finally:
            first.close()


def test_a_process_that_ended_while_nobody_asked_is_no_fault_of_the_next_query() -> None:
    engine = DuckEngine(ready=1)
    try:
        assert engine.run("SELECT 1 AS n", {}, Limits()).num_rows == 1
        idle = engine._idle.get_nowait()
        idle._process.kill()
        idle._process.wait()
        engine._idle.put(idle)
        assert engine.run("SELECT 1 AS n", {}, Limits()).num_rows == 1
    finally:
        engine.close()
