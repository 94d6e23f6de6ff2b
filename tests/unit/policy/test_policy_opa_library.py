"""The binding: bytes in, bytes out, and no way to hang, leak or cut a text short."""

import ctypes
import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.policy import opa_library
from ostiary.policy.opa_library import OpaFaultError, OpaLibrary, launch_environment, load_library


def test_missing_wheel_names_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(opa_library, "_loaded", [])
    with pytest.raises(UnavailableError) as refused:
        load_library()
    assert refused.value.code == "engine_missing"
    command = "pip install --ignore-requires-python --no-deps opa-golib-python-bindings==0.4.4"
    assert command in refused.value.message


def test_broken_library_is_unavailable(tmp_path: Path) -> None:
    place = tmp_path / "libopabridge.so"
    place.write_bytes(b"not a library")
    with pytest.raises(UnavailableError) as refused:
        OpaLibrary(place)
    assert refused.value.code == "engine_broken"


def test_library_without_our_functions_is_unavailable() -> None:
    with pytest.raises(UnavailableError) as refused:
        OpaLibrary(Path("libc.so.6"))
    assert refused.value.code == "engine_broken"


def test_pinned_wheel_is_the_installed_one() -> None:
    assert opa_library.library_path().is_file()
    assert opa_library.WHEEL in opa_library.MEND


def test_syntax_error_names_the_line() -> None:
    with load_library().new_engine() as opa, pytest.raises(OpaFaultError) as refused:
        opa.add_policy("a.rego", "package a\nallow if {")
    assert refused.value.code == "opa_parse_error"
    assert "a.rego:2" in refused.value.message


@pytest.mark.parametrize("text", ["a\0b.rego", "\0"])
def test_zero_byte_would_cut_a_text(text: str) -> None:
    with load_library().new_engine() as opa:
        with pytest.raises(FaultyInputError) as refused:
            opa.add_policy(text, "package a")
        assert refused.value.code == "text_has_nul"
        with pytest.raises(FaultyInputError):
            opa.add_policy("a.rego", f"package a {text}")
        with pytest.raises(FaultyInputError):
            opa.query(text, b"{}")


def test_closed_engine_is_unavailable_and_closes_twice() -> None:
    opa = load_library().new_engine()
    opa.close()
    opa.close()
    with pytest.raises(UnavailableError) as refused:
        opa.evaluate(b"a", b"{}")
    assert refused.value.code == "engine_closed"


def test_null_answer_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        load_library().take(None)


def test_threads_share_one_engine() -> None:
    with load_library().new_engine() as opa:
        opa.add_policy("a.rego", "package a\ntwice := input.x * 2")

        def ask(number: int) -> bool:
            return f'"value":{number * 2},'.encode() in opa.evaluate(b"a.twice", b'{"x": %d}' % number)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(2_000)))


def test_launch_environment_reaches_go() -> None:
    """Go reads its settings from the environment that the process was started with, never from a later change."""
    probe = (
        "import os\n"
        "{late}\n"
        "from ostiary.policy.opa_library import load_library\n"
        "opa = load_library().new_engine()\n"
        "opa.add_policy('a.rego', 'package a\\np := [x | some x in numbers.range(1, 3000)]')\n"
        "for _ in range(300): opa.evaluate(b'a.p', b'{{}}')\n"
        "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')][0])\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")

    def peak_kb(environment: dict[str, str], late: str = "") -> int:
        command = [sys.executable, "-c", probe.format(late=late)]
        done = subprocess.run(command, env=dict(os.environ) | environment, capture_output=True, check=True, timeout=120)
        return int(done.stdout)

    frugal, lavish = peak_kb({"GOGC": "50", "GOMAXPROCS": "1"}), peak_kb({"GOGC": "3000", "GOMAXPROCS": "1"})
    assert lavish > frugal + 20_000
    assert launch_environment() == {"GOGC": "800", "GOMAXPROCS": "1"}


def test_forked_child_is_refused_at_once_instead_of_hanging() -> None:
    program = (
        "import os, sys\n"
        "from ostiary.errors import UnavailableError\n"
        "from ostiary.policy.bundle import Bundle\n"
        "from ostiary.policy.engine import OpaEngine\n"
        "engine = OpaEngine(Bundle.of({'g.rego': 'package ostiary.guardrails\\ndecision := {}'}))\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    engine.close()\n"
        "    os._exit(0 if engine.guardrails({}).error == 'policy_unavailable' else 3)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0
    asked = program.replace("    engine.close()\n", "")
    assert subprocess.run([*command[:-1], asked], timeout=30, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="timer slack is Linux's")
def test_only_threads_that_the_library_starts_may_wake_late() -> None:
    prctl, told = ctypes.CDLL(None).prctl, list[int]()

    def slack() -> None:
        told.append(prctl(30, 0, 0, 0, 0))  # PR_GET_TIMERSLACK

    slack()
    with opa_library._unhurried():
        started = threading.Thread(target=slack)
        started.start()
        started.join()
    slack()
    assert told[0] == told[2] != told[1] == opa_library.SLACK_NS
