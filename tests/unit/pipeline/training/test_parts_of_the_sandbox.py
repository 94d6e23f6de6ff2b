import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.training.booked import BookedDatasets
from ostiary.pipeline.training.bubblewrap import Plan, arguments, files_of, find_bubblewrap
from ostiary.pipeline.training.cgroups import make_groups
from ostiary.pipeline.training.environment import Environment, Mount, system, with_folder
from ostiary.pipeline.training.limits import GIB, SandboxLimits
from ostiary.pipeline.training.line import MAX_MESSAGE, Line
from ostiary.pipeline.training.outputs import collect
from ostiary.pipeline.training.ports import DatasetRef
from ostiary.pipeline.training.staging import code_of, hand_over, place_of, stage_code, staging


def line_with(data: bytes) -> Line:
    line = Line(1)
    with socket.socket(fileno=os.dup(line.theirs)) as other:
        other.send(data)
    return line


@given(st.binary(min_size=1, max_size=2000))
def test_whatever_comes_out_of_a_sandbox_is_a_report_or_a_fault(data):
    line = line_with(data)
    try:
        line.hear_report()
    except UnavailableError as fault:
        assert fault.code == "training_sandbox_died"  # noqa: PT017 - or it was a report
    finally:
        line.close()


def test_a_report_is_read_as_it_was_written():
    line = line_with(b"report\t5\t9\na.b\theld\tEPERM\nc\tescaped\twhat")
    report = line.hear_report()
    line.close()
    assert (report.begun_ns, report.ended_ns) == (5, 9)
    assert [(one.name, one.verdict) for one in report.probes] == [("a.b", "held"), ("c", "escaped")]


@pytest.mark.parametrize(
    "data", [b"report\t5", b"report\tx\t9", b"report\t5\t9\nrow", b"fault\tit broke", b"hello\t1", b"\xff"]
)
def test_what_is_no_report_is_a_dead_sandbox(data):
    line = line_with(data)
    with pytest.raises(UnavailableError) as fault:
        line.hear_report()
    line.close()
    assert fault.value.code == "training_sandbox_died"


def test_a_sandbox_that_says_nothing_is_not_waited_for():
    line = Line(0.05)
    with pytest.raises(UnavailableError) as late:
        line.hear_hello()
    line.close()
    assert late.value.code == "training_sandbox_late"


def test_a_hello_without_its_descriptors_is_none():
    line = line_with(b"hello\t5")
    with pytest.raises(UnavailableError):
        line.hear_hello()
    line.close()


def test_an_order_is_bounded():
    line = Line(1)
    with pytest.raises(FaultyInputError):
        line.send_order({"command": ["x" * MAX_MESSAGE]})
    line.close()


def test_the_command_line_holds_every_wall(tmp_path):
    for name in ("keys", "kmsg", "fs"):
        (tmp_path / name).touch()
    words = " ".join(arguments(Plan(system(), SandboxLimits()), [], 9, tmp_path))
    for wall in (
        "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop ALL",
        "--ro-bind /proc/sys /proc/sys", "--remount-ro /dev", "--remount-ro /", "--clearenv", "--seccomp 9",
        "--ro-bind /dev/null /proc/keys", "--tmpfs /proc/fs", "--size 65536 --tmpfs /run/egress",
    ):  # fmt: skip
        assert wall in words, wall
    assert "--share-net" not in words
    assert "--bind " not in words.replace("--ro-bind", "")


def test_nothing_of_the_hosts_own_settings_is_copied_in():
    told = {file.target: file.data for file in files_of(Plan(system(), SandboxLimits()))}
    assert set(told["/etc/passwd"].decode().split(":")[:1]) == {"trainer"}
    assert "/etc/shadow" not in told
    assert "/etc/resolv.conf" not in told
    assert not any(mount.source in {"/etc", "/"} for mount in system().mounts)


def test_bubblewrap_is_not_looked_for_in_the_path(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError) as missing:
        find_bubblewrap((str(tmp_path / "none"),))
    assert missing.value.code == "training_bubblewrap_missing"


@pytest.mark.parametrize("folder", ["/", "/proc/self", "/sys/kernel", "/root", "/home", "/etc"])
def test_no_environment_is_the_host(folder):
    with pytest.raises(FaultyInputError):
        with_folder(system(), Path(folder))


def test_an_environment_is_known_by_what_is_in_it(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("1")
    made = Environment("e", (Mount(str(tmp_path), "/x"),), "/usr/bin/python3")
    before = made.digest()
    assert made.digest() == before
    (tmp_path / "lib" / "b.py").symlink_to("a.py")
    after = made.digest()
    assert after != before
    (tmp_path / "lib" / "a.py").write_text("12")
    assert made.digest() not in {before, after}
    assert Environment("e", made.mounts, made.python, image="sha256:ab").digest() == made.digest()


@pytest.mark.parametrize("kind", ["socket", "pipe"])
def test_a_folder_with_a_way_to_a_process_of_the_host_is_no_environment(tmp_path, kind):
    (tmp_path / "lib").mkdir()
    place = tmp_path / "lib" / "way"
    with socket.socket(socket.AF_UNIX) as one:  # a read-only mount keeps nobody from connecting to it
        one.bind(str(place)) if kind == "socket" else os.mkfifo(place)
        with pytest.raises(RefusedError) as no:
            Environment("e", (Mount(str(tmp_path), "/x"),), "/usr/bin/python3").digest()
    assert no.value.code == "training_environment_open"


def test_groups_of_version_2_hold_all_three(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids io")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids")
    made = make_groups("r1", SandboxLimits(memory_bytes=GIB, processes=7, cpus=1.5), tmp_path)
    folder = tmp_path / "ostiary-r1"
    assert made.held == dict.fromkeys(("memory", "pids", "cpu"), "cgroup v2")
    assert {name: (folder / name).read_text() for name in ("memory.max", "pids.max", "cpu.max")} == {
        "memory.max": str(GIB), "pids.max": "7", "cpu.max": "150000 100000",
    }  # fmt: skip
    (folder / "memory.peak").write_text("5\n")
    assert made.peak_memory() == 5
    made.add(1)
    assert (folder / "cgroup.procs").read_text() == "1"


def test_a_group_that_cannot_be_joined_stops_the_run(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("pids")
    (tmp_path / "cgroup.subtree_control").write_text("pids")
    made = make_groups("r1", SandboxLimits(), tmp_path)
    (tmp_path / "ostiary-r1" / "cgroup.procs").mkdir()
    with pytest.raises(UnavailableError):
        made.add(1)


def test_core_files_are_bounded_by_one_and_not_by_none():
    limits = SandboxLimits().for_each_process(memory_is_counted=True)
    assert limits["RLIMIT_CORE"] == 1
    assert "RLIMIT_AS" not in limits
    assert "RLIMIT_AS" in SandboxLimits().for_each_process(memory_is_counted=False)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0b", "."])
def test_an_object_is_written_nowhere_else(tmp_path, name):
    with pytest.raises(RefusedError):
        place_of(tmp_path, name)
    assert place_of(tmp_path, "a/b.c") == tmp_path / "a" / "b.c"


class Book:
    """A book of one dataset."""

    def __init__(self, objects):
        self.kept = objects
        self.digest = "sha256:1"

    def manifest_of(self, tenant, dataset):
        if (tenant, dataset) != ("default", "sales"):
            raise RefusedError("dataset_unknown", "there is no such dataset")
        entry = type("Entry", (), {})
        entries = []
        for name in self.kept:
            one = entry()
            one.name = name
            entries.append(one)
        manifest = type("M", (), {"producer": "ingest", "objects": entries})
        return type("V", (), {"digest": self.digest, "manifest": manifest})

    def find(self, tenant, dataset):
        return dataset

    def objects(self, dataset):
        return self

    def open(self, name):
        book = self

        class One:
            stat = type("S", (), {"size": len(book.kept[name])})
            data = book.kept[name]

            def __enter__(self):
                return self

            def __exit__(self, *_fault):
                return None

        return One()

    def blocks(self, scope, one, entry):
        assert scope == ("default", "sales")

    def pieces(self, one, blocks, start, length):
        yield memoryview(one.data[start : start + length])


def test_data_is_what_the_manifest_lists(tmp_path):
    book = Book({"a/1.csv": b"one", "2.csv": b""})
    datasets = BookedDatasets(book, book)
    ref = datasets.verified("default", "sales")
    assert ref == DatasetRef("sales", "sha256:1", "ingest")
    datasets.stage("default", ref, tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {"a/1.csv", "2.csv"}
    assert (tmp_path / "a" / "1.csv").read_bytes() == b"one"
    book.digest = "sha256:2"
    with pytest.raises(RefusedError) as no:
        datasets.stage("default", ref, tmp_path)
    assert no.value.code == "training_dataset_changed"
    with pytest.raises(RefusedError):
        datasets.verified("other", "sales")


def test_what_is_staged_can_be_read_and_not_written_and_goes_away(tmp_path):
    source = tmp_path / "code"
    source.mkdir()
    (source / "a.py").write_text("1")
    (source / ".env").write_text("SECRET=1")
    (source / "out").symlink_to("/etc/passwd")
    (source / ".git-not").mkdir()
    with staging(tmp_path) as folder:
        stage_code(code_of(source), folder / "code")
        hand_over(folder, os.getuid())
        assert oct((folder / "code" / "a.py").stat().st_mode & 0o777) == "0o400"
        assert sorted(path.name for path in (folder / "code").iterdir()) == ["a.py"]
    assert not folder.exists()


def test_a_fifo_in_the_code_refuses_the_run(tmp_path):
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    with pytest.raises(RefusedError):
        hand_over(tmp_path / "in", os.getuid())


def test_outputs_are_bounded_together(tmp_path):
    (tmp_path / "out").mkdir()
    for number in range(4):
        (tmp_path / "out" / str(number)).write_bytes(b"x" * 600)
    number = os.open(tmp_path / "out", os.O_RDONLY)
    with pytest.raises(OstiaryError) as no:
        collect(number, tmp_path / "in", SandboxLimits(outputs_bytes=2000))
    os.close(number)
    assert no.value.code == "training_output_refused"
