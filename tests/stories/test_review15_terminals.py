"""What comes from outside is written to a terminal as words: it neither moves, colours, nor answers (CWE-150)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.text import Text

from ostiary.cli import app
from ostiary.cli.output import Words

EVIL = "ann\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\rroot"


@pytest.mark.parametrize(
    "write",
    [
        lambda words: words.print(EVIL, markup=False),
        lambda words: words.print(f"a name: {EVIL}", EVIL, markup=False, style="dim"),
        lambda words: words.print(f"[red]error[/red]: {EVIL.replace('[', chr(92) + '[')}"),
        lambda words: words.print(Text(EVIL, "bold"), Text("fine")),
    ],
)
def test_words_move_no_terminal(capsys: pytest.CaptureFixture[str], write: Callable[[Words], None]) -> None:
    write(Words(highlight=False, soft_wrap=True))
    told = capsys.readouterr().out
    assert "owned" in told
    assert not set(told) & set("\x1b\x07\x9b\r\u202e")


def test_what_a_fault_tells_moves_none_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text('title: x\n"\\e]0;owned\\a": 1\n')
    whole = app.build_app()
    monkeypatch.setattr(app, "build_app", lambda: lambda: whole(["sigma", "check", str(rule)]))
    with pytest.raises(SystemExit):
        app.main()
    told = capsys.readouterr()
    assert "owned" in told.out
    assert not set(told.out + told.err) & set("\x1b\x07")
