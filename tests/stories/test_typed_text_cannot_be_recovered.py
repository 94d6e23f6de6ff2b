"""What somebody typed stays with them: nothing that is sent names a key, and nothing that is kept holds a rhythm.

What rhythm alone still tells is measured, not hoped for: ``benchmarks/behaviour_privacy.py``, ADR-0057. That the script
in a real browser sends no more than what is refused here: ``tests/browser/test_collector_in_chromium.py``.
"""

import json
import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.stories.biometrics_scene import ANN, Scene, opened, typist

from ostiary.biometrics.window import Window
from ostiary.errors import FaultyInputError
from ostiary.server.biometrics.asked import CLASSES, told_of
from ostiary.server.biometrics.ports import SeenWindow

NAME = "A" * 22
SAID = {
    "stream": NAME,
    "nonce": NAME,
    "sequence": 1,
    "modality": "keystroke",
    "began": 0,
    "lasted": 900,
    "events": [[0, 95, 1], [140, 231, 1], [300, 380, 3], [420, 530, 8]],
}


def refusal(**changes: Any) -> str:
    with pytest.raises(FaultyInputError) as no:
        told_of(msgspec.json.encode({**SAID, **changes}))
    return no.value.code


def test_letters_have_one_kind_and_keys_no_names() -> None:
    assert np.asarray(told_of(msgspec.json.encode(SAID)).window.content).tolist() == SAID["events"]
    for key in (0, 2, 9, 65, 97, 113, "a", "KeyA", None):
        assert refusal(events=[[0, 95, key]]) == "window_malformed"
    assert len(CLASSES) < 8


@pytest.mark.parametrize(
    "member", ["key", "keys", "code", "text", "value", "title", "url", "x", "y", "target", "field"]
)
def test_there_is_no_member_for_what_was_typed_or_where(member: str) -> None:
    assert refusal(**{member: "a"}) == "request_invalid"


def test_no_step_is_long_enough_to_be_a_place() -> None:
    pointer = {"modality": "pointer", "lasted": 900}
    assert refusal(**pointer, events=[[0, 0, 0, 0], [8, 5_000, 0, 0]]) == "window_malformed"
    assert refusal(**pointer, events=[[0, 0, 0, 0, 1024, 768]]) == "window_malformed"


def test_no_address_passes_as_an_event() -> None:
    for token in ("GET https://app.example/orders", "GET /orders?name=ann", "GET /orders/4711", "typed hunter2"):
        assert refusal(modality="sequence", events=[token]) == "window_malformed"


class Everything:
    """All bytes of a house's folder, and of what was logged."""

    def __init__(self, folder: Path, logged: str) -> None:
        found = {one: one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}
        self.files = {name: body for name, body in found.items() if body.strip(b"\0")}  # the disk reserve is empty
        self.files[Path("log")] = logged.encode()

    def holders(self, needle: bytes) -> list[Path]:
        return [name for name, body in self.files.items() if needle in body]


def spellings(numbers: list[float]) -> list[bytes]:
    """Return some numbers in a row as they could be written down: text, and binary of every usual width."""
    kinds = ["<f8", "<f4", "<f2", ">f8", ">f4"]
    spelt = [json.dumps(numbers)[1:-1], json.dumps(numbers, separators=(",", ":"))[1:-1]]
    if max(map(abs, numbers)) > 10:  # whole numbers of what is about 1 are found in anything
        whole = [round(one) for one in numbers]
        spelt += [json.dumps(whole)[1:-1], json.dumps(whole, separators=(",", ":"))[1:-1]]
        kinds += ["<i4", "<i2", ">i4"]
    binary = [np.array(numbers, kind).tobytes() for kind in kinds]
    return [*(one.encode() for one in spelt), *binary, msgspec.msgpack.encode(numbers)[1:]]


def rows_of(window: Window) -> list[list[float]]:
    """Return what a window could be recognised by: neighbours in a row, moments, holds and steps."""
    content = np.asarray(window.content, np.float64)
    downs, holds = content[:, 0], content[:, 1] - content[:, 0]
    return [list(map(float, row[4:9])) for row in (content.ravel(), downs, content[:, 1], holds, np.diff(downs))]


def test_nothing_that_is_kept_holds_a_rhythm(tmp_path: Path, capsys: Any, caplog: Any) -> None:
    rows = typist()
    with opened(tmp_path) as scene:
        scene.enrols(rows[:40])
        scene.types([row.window for row in rows[40:]])
        scene.asks()
        assert scene.room is not None
        scene.room.flush()
        assert scene.house.store.templates is not None
        embedded = _embeddings(scene, [row.window for row in rows])
    told = capsys.readouterr()
    everything = Everything(tmp_path, told.out + told.err + caplog.text)
    assert sum(len(body) for body in everything.files.values()) > 100_000, "there is something to look into"
    for row in rows[::10]:
        for numbers in rows_of(row.window):
            for spelt in spellings(numbers):
                assert everything.holders(spelt) == []
    for vector in embedded[::10]:
        for numbers in (vector[:4], vector[2:6]):
            for spelt in spellings(numbers):
                assert everything.holders(spelt) == [], "an embedding is kept sealed alone"


def test_the_search_would_have_found_it(tmp_path: Path) -> None:
    window = typist()[0].window
    (tmp_path / "leak").write_bytes(struct.pack("<100s", b"") + np.asarray(window.content, "<f4").tobytes())
    found = Everything(tmp_path, "").holders
    assert any(found(spelt) for numbers in rows_of(window) for spelt in spellings(numbers))


def test_what_took_the_window_keeps_no_hold_of_it(tmp_path: Path) -> None:
    import gc  # noqa: PLC0415
    import weakref  # noqa: PLC0415

    with opened(tmp_path) as scene:
        scene.enrols(typist()[:24])
        assert scene.room is not None
        content = np.array(typist()[30].window.content)
        alive = weakref.ref(content)
        window = Window(typist()[30].window.modality, content)
        now = scene.clock.now_ns()
        told = {"key": "k", "stream": "page", "missed": 0, "untrusted": 0, "began_ns": now, "ended_ns": now}
        scene.room.take(
            SeenWindow(tenant="default", subject=ANN, session="s1", sequence=999, window=window, **told)  # type: ignore[arg-type]
        )
        del window, content
        gc.collect()
        assert alive() is None, "a raw window lives until it is embedded, and no longer"


def _embeddings(scene: Scene, windows: list[Window]) -> list[list[float]]:
    assert scene.room is not None
    model = scene.room.models.model("default", windows[0].modality)
    assert model is not None
    told: list[list[float]] = model.embed(windows).tolist()
    return told
