import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.cli.relaunch import with_engine_environment
from ostiary.policy.opa_library import launch_environment
from ostiary.server import supervisor
from ostiary.server.tuning import ALLOCATOR

CODE = """
import gc, sys
from ostiary.server.tuning import TURN_S, YOUNG, tune
before = gc.get_freeze_count()
held = [[number] for number in range(10_000)]
tune()
print(gc.get_freeze_count() - before >= 10_000, gc.get_threshold()[0] == YOUNG, sys.getswitchinterval() == TURN_S)
"""


def test_what_lives_when_serving_begins_is_never_walked_again():
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["True", "True", "True"]


HEAPS = """
import ctypes, os, threading
libc = ctypes.CDLL(None)
class Told(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
libc.mallinfo2.restype = Told
block = bytearray(4 << 20)  # whoever lets go of one makes glibc keep all that are smaller in its heaps from then on
del block
before = libc.mallinfo2().hblkhd
kept = bytearray(1 << 20)
outside = libc.mallinfo2().hblkhd - before >= 1 << 20
def work():
    held = [bytearray(2_000) for _ in range(100)]
    here.wait()
    here.wait()
here = threading.Barrier(5)
threads = [threading.Thread(target=work) for _ in range(4)]
for one in threads: one.start()
here.wait()
libc.fopen.restype, libc.fclose.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
file = libc.fopen(os.environ["TOLD"].encode(), b"w")
libc.malloc_info(0, file), libc.fclose(file)
here.wait()
print(outside, open(os.environ["TOLD"]).read().count("<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory otherwise")
def test_a_process_that_serves_has_one_heap_and_keeps_large_blocks_outside_of_it(tmp_path: Path) -> None:
    environ = {**supervisor.environment(), "TOLD": str(tmp_path / "told.xml")}
    told = subprocess.run(
        [sys.executable, "-c", HEAPS], env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == ["True", "1"]


def test_what_an_operator_set_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALLOCATOR:  # whoever imported Dask has one of them
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    found = supervisor.environment()
    assert {name: found[name] for name in ALLOCATOR} == {**ALLOCATOR, "MALLOC_ARENA_MAX": "4"}


def test_a_command_that_serves_by_itself_starts_again_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []
    for name in (*ALLOCATOR, *launch_environment()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.execve", lambda _program, _command, environ: started.append(environ))
    with_engine_environment()
    assert started[0].items() >= {**ALLOCATOR, **launch_environment()}.items()
    for name, value in started[0].items():
        monkeypatch.setenv(name, value)
    with_engine_environment()
    assert len(started) == 1
