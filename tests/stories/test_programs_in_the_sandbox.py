"""A program over one file, in a sandbox that may call nobody: what comes out is one file, or nothing."""

import io
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
import safetensors.numpy

from ostiary.artifacts.conversion import convert
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.training.programs import LIMITS, ProgramSandbox
from ostiary.testing.sandboxes import Trial
from ostiary.vocabulary.clock import SystemClock

HEAD = b"import sys, os, socket\nsource, target = sys.argv[1:]\n"


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def run(program: bytes, source: bytes = b"abc", target: str = "out.txt", most: int = 1000) -> bytes:
    sandbox = ProgramSandbox(SystemClock(), limits=msgspec.structs.replace(LIMITS, wall_s=20.0))
    return sandbox.run(HEAD + program, source, target, most)


def test_what_it_writes_comes_out():
    assert run(b"open(target, 'wb').write(open(source, 'rb').read()[::-1])") == b"cba"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (b"raise SystemExit(1)", "training_program_failed"),
        (b"pass", "training_program_failed"),
        (b"open(target + '2', 'w')", "training_program_failed"),
        (b"open(target, 'w'); open(target + '2', 'w')", "training_output_refused"),
        (b"os.symlink('/etc/passwd', target)", "training_output_refused"),
        (b"open(target, 'wb').write(b'x' * 100_000)", "training_program_failed"),
        (b"socket.create_connection(('192.0.2.1', 443), 2)", "training_program_failed"),
        (b"open(source, 'ab').write(b'x')", "training_program_failed"),
    ],
)
def test_anything_else_does_not(program, code):
    with pytest.raises(RefusedError) as no:
        run(program)
    assert no.value.code == code


@pytest.mark.parametrize("target", ["", "../x", "a/b", "-x", ".hidden", "a\0b"])
def test_the_file_has_a_plain_name(target):
    with pytest.raises(FaultyInputError):
        run(b"pass", target=target)


def test_a_quarantined_file_is_converted_in_it():
    buffer = io.BytesIO()
    np.save(buffer, np.arange(6, dtype=np.float32))
    made = convert("weights.npy", buffer.getvalue(), "weights.safetensors", ProgramSandbox(SystemClock()))
    assert made.name == "weights.safetensors"
    found = safetensors.numpy.load(made.data)
    assert [list(one) for one in found.values()] == [[0, 1, 2, 3, 4, 5]]
