"""Hot reload: what is refused changes nothing, what passes replaces the old without dropping a decision."""

import threading
import time
from pathlib import Path

import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.policy import holder as holder_module
from ostiary.policy.bundle import Bundle
from ostiary.policy.holder import PolicyHolder, Reloaded
from ostiary.policy.limits import EngineSettings
from ostiary.policy.sandbox import Report

QUICK = EngineSettings(deadline_ms=50, retire_after_ms=100)


def write(place: Path, rule: str, *, extra: str = "") -> Path:
    place.mkdir(exist_ok=True)
    (place / "a.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    (place / "g.rego").write_text(
        f'package ostiary.guardrails\ndecision := {{"deny": [{{"rule": "{rule}"}}]}}\n{extra}'
    )
    return place


def rule_of(holder: PolicyHolder) -> str:
    return holder.guardrails({}).hits[0].rule


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the throw-away process: these tests are about swapping."""
    monkeypatch.setattr(holder_module, "admit", lambda bundle, limits: Report(digest=bundle.digest))


def test_reload_replaces_and_keeps_the_old_until_nobody_asks(tmp_path: Path) -> None:
    with PolicyHolder(write(tmp_path / "b", "one"), settings=QUICK) as holder:
        pinned = holder.engine
        first = holder.digest
        assert holder.reload() == Reloaded(changed=False, digest=first, previous=first)
        write(tmp_path / "b", "two")
        done = holder.reload()
        assert (done.changed, done.previous, done.digest) == (True, first, holder.digest)
        assert done.report is not None
        assert rule_of(holder) == "two"
        time.sleep(0.3)
        assert pinned.guardrails({}).hits[0].rule == "one"
        assert holder.bundle.digest == Bundle.load(tmp_path / "b").digest
        assert holder.adaptive({}).error == ""


def test_reload_from_another_place(tmp_path: Path, unchecked: None) -> None:
    with PolicyHolder(write(tmp_path / "one", "one"), settings=QUICK) as holder:
        holder.reload(write(tmp_path / "two", "two"))
        assert rule_of(holder) == "two"
        write(tmp_path / "two", "three")
        holder.reload()
        assert rule_of(holder) == "three"


@pytest.mark.parametrize("extra", ["p := time.now_ns()\n", "p := nothing(1)\n", "p if {\n"])
def test_a_refused_bundle_changes_nothing(tmp_path: Path, extra: str) -> None:
    with PolicyHolder(write(tmp_path / "b", "one"), settings=QUICK) as holder:
        before = holder.digest
        write(tmp_path / "b", "two", extra=extra)
        with pytest.raises(RefusedError) as refused:
            holder.reload()
        assert refused.value.code == "policy_refused"
        assert (holder.digest, rule_of(holder)) == (before, "one")


def test_a_bundle_that_vanishes_changes_nothing(tmp_path: Path, unchecked: None) -> None:
    with PolicyHolder(write(tmp_path / "b", "one"), settings=QUICK) as holder:
        (tmp_path / "b").rename(tmp_path / "c")
        with pytest.raises(UnavailableError):
            holder.reload()
        assert rule_of(holder) == "one"


def test_a_first_bundle_must_pass_too(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        PolicyHolder(write(tmp_path / "b", "one", extra="p := time.now_ns()\n"))


def test_no_decision_is_dropped_during_thirty_reloads(tmp_path: Path, unchecked: None) -> None:
    """Each thread asks both questions of one engine, as the decision does, while the bundle changes 30 times."""
    source = write(tmp_path / "b", "rule-0")
    faults: list[str] = []
    asked: list[int] = []
    stop = threading.Event()

    def hammer() -> None:
        count = 0
        while not stop.is_set():
            engine = holder.engine
            digest = engine.digest
            guarded, adapted = engine.guardrails(b"{}"), engine.adaptive(b"{}")
            if guarded.error or adapted.error or len(guarded.hits) != 1 or engine.digest != digest:
                faults.append(guarded.error or adapted.error or "torn")
            count += 1
        asked.append(count)

    with PolicyHolder(source, settings=EngineSettings(deadline_ms=5, retire_after_ms=10)) as holder:
        threads = [threading.Thread(target=hammer) for _ in range(6)]
        for thread in threads:
            thread.start()
        for number in range(1, 31):
            write(source, f"rule-{number}")
            assert holder.reload().changed
            assert rule_of(holder) == f"rule-{number}"
        stop.set()
        for thread in threads:
            thread.join()
        assert holder.busy_since() is None
    assert faults == []
    assert sum(asked) > 100


def test_replaced_engines_end(tmp_path: Path, unchecked: None) -> None:
    with PolicyHolder(write(tmp_path / "b", "one"), settings=QUICK) as holder:
        handles = [holder.engine._opa]
        for number in range(5):
            write(tmp_path / "b", f"rule-{number}")
            holder.reload()
            handles.append(holder.engine._opa)
        late = time.monotonic() + 5
        while holder._retired and time.monotonic() < late:
            time.sleep(0.02)
        assert [bool(opa._handle) for opa in handles] == [False] * 5 + [True]


def test_an_old_engine_that_still_evaluates_is_kept_and_shown(tmp_path: Path, unchecked: None) -> None:
    slow = "p := count([1 | i = numbers.range(1, 900)[_]; j = numbers.range(1, 900)[_]; i == j + 9999])\n"
    source = write(tmp_path / "b", "one", extra=slow)
    text = (source / "g.rego").read_text().replace('"rule": "one"', '"rule": "one", "n": p')
    (source / "g.rego").write_text(text)
    with PolicyHolder(source, settings=EngineSettings(deadline_ms=1, retire_after_ms=5)) as holder:
        found: list[str] = []
        old = holder.engine
        asking = threading.Thread(target=lambda: found.append(old.guardrails({}).hits[0].rule))
        asking.start()
        while not old.running.count:
            time.sleep(0.001)
        write(source, "two")
        holder.reload()
        time.sleep(0.05)
        assert holder.busy_since() is not None
        assert rule_of(holder) == "two"
        asking.join()
        assert found == ["one"]
        assert holder.busy_since() is None


def test_watching_sees_content_not_times(tmp_path: Path, unchecked: None) -> None:
    source = write(tmp_path / "b", "one")
    changes: list[Reloaded] = []
    refusals: list[OstiaryError] = []
    with PolicyHolder(source, settings=QUICK) as holder:
        holder.watch(0.02, changes.append, refusals.append)
        (source / "g.rego").touch()
        time.sleep(0.15)
        assert changes == []
        write(source, "two")
        _wait_for(changes, 1)
        assert rule_of(holder) == "two"
        (source / "data.json").write_text("{")
        _wait_for(refusals, 1)
        time.sleep(0.15)
        assert len(refusals) == 1
        assert holder.last_refusal is refusals[0]
        (source / "data.json").unlink()
        write(source, "three")
        _wait_for(changes, 2)
        assert rule_of(holder) == "three"
        assert holder.last_refusal is None


def test_watching_tries_a_refused_content_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def admit(bundle: Bundle, limits: object) -> Report:
        tried.append(bundle.digest)
        if "bad" in bundle.files["g.rego"].decode():
            raise RefusedError("policy_refused", "no")
        return Report(digest=bundle.digest)

    monkeypatch.setattr(holder_module, "admit", admit)
    refusals: list[OstiaryError] = []
    with PolicyHolder(write(tmp_path / "b", "one"), settings=QUICK) as holder:
        holder.watch(0.02, None, refusals.append)
        write(tmp_path / "b", "bad")
        _wait_for(refusals, 1)
        time.sleep(0.2)
        assert len(tried) == 2
        assert rule_of(holder) == "one"


def _wait_for(found: list[Reloaded] | list[OstiaryError], count: int) -> None:
    late = time.monotonic() + 10
    while len(found) < count and time.monotonic() < late:
        time.sleep(0.01)
    assert len(found) == count
