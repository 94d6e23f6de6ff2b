"""Two hundred hostile names of subjects, groups and resources neither run in a shadow report nor break its page."""

import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from typing_extensions import override

from ostiary.cli.shadow_told import tell
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.shadow.report.gathering import Asked
from ostiary.server.shadow.report.making import make
from ostiary.server.shadow.report.page import page
from ostiary.server.shadow.report.paper import paper
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.wiring import open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

DAY = 86_400 * 10**9
END = 1_790_000_000_000_000_000
SEEDS = (
    "<script>alert({n})</script>",
    '"><img src=x onerror=alert({n})>',
    "' onmouseover='alert({n})",
    "</dd></dl><iframe src=//evil.example/{n}>",
    "</style><style>*{{display:none}}/*{n}",
    "<!-- {n}",
    "]]>{n}<![CDATA[",
    "</script><svg/onload=alert({n})>",
    "&lt;b&gt;{n}&amp;#x3c;script&#x3e;",
    "<base href=//evil.example/{n}><a>",
    '#panic("{n}")',
    '#read("/etc/passwd") {n}',
    '#include "/etc/passwd" {n}',
    '#import "@preview/x:0.1.{n}": *',
    "$ sum_({n}) $ #set page(width: 1pt)",
    '] #image("/etc/passwd") [ {n}',
    "\\u{{202e}}{n} */ // \\",
    "\x1b]0;owned{n}\x07\x1b[2J",
    "\u202eevil{n}\u2066 \u200e",
    "= heading {n}\n- list\n/ term: x <label> @ref",
)
HOSTILE = [seed.format(n=number) for number in range(10) for seed in SEEDS]


class Structure(HTMLParser):
    """What a browser would build: elements and attributes' names, no text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


def structure(text: str) -> list[tuple[str, tuple[str, ...]]]:
    found = Structure()
    found.feed(text)
    return found.tags


def sheet_of(place: Path, names: list[str]) -> Sheet:
    """Return the report over a log in which each name is a subject's, a group's, a resource's and a signal's words."""
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(place / "data"), settings, FakeClock(END), lambda _reason, _fault: None) as house:
        done = []
        for number, name in enumerate(names):
            at = END - DAY + number
            record = record_of(
                f"dec_{number}",
                f"user:{name}",
                at,
                Effect.STEP_UP,
                score=0.5,
                groups=(name,),
                resource_type=name,
                why=name,
            )
            payload = msgspec.json.encode(record)
            done.append(house.log.append("default", "decision", f"dec_{number}", at, payload, record.subject_key))
        for one in done:
            one.result(10)
        return make(house, Asked("default", "step_up"))[0]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> list[Sheet]:
    """The hostile report, and one of tame names with the same shape; each hostile name stands in one of its tables."""
    whole = sheet_of(tmp_path_factory.mktemp("hostile"), HOSTILE)
    tame = sheet_of(tmp_path_factory.mktemp("tame"), [f"name{number}" for number in range(len(HOSTILE))])
    return [whole, tame]


def with_names(sheet: Sheet, names: list[str]) -> Sheet:
    """Return the sheet with these very names, unsoftened, wherever a log's text can stand."""
    person, pattern = sheet.people[0], sheet.patterns[0]
    return msgspec.structs.replace(
        sheet,
        people=tuple(msgspec.structs.replace(person, name=name, words=name) for name in names),
        patterns=tuple(msgspec.structs.replace(pattern, name=name) for name in names),
        notes=tuple(names),
    )


def test_two_hundred_hostile_names_build_the_page_that_tame_ones_build(sheets: list[Sheet]) -> None:
    assert len(HOSTILE) == 200
    hostile, tame = sheets
    assert structure(page(hostile, "sha256:x")) == structure(page(tame, "sha256:x"))
    tamed = [f"name{number}" for number in range(200)]
    made = page(with_names(hostile, HOSTILE), "sha256:x")
    assert structure(made) == structure(page(with_names(hostile, tamed), "sha256:x"))
    assert structure("<p title='x' onmouseover='alert(1)'>") != structure("<p title='x'>")


def test_the_page_forbids_every_request_and_every_script_but_its_own(sheets: list[Sheet]) -> None:
    made = page(sheets[0], "sha256:x")
    policy = made.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src &#x27;none&#x27;")
    assert "script-src &#x27;sha256-" in policy
    assert made.count("<script>") == 1
    assert "//evil.example" not in made.replace("src=//evil.example", "").replace("href=//evil.example", "")


def test_two_hundred_hostile_names_are_set_on_paper_as_they_stand(sheets: list[Sheet]) -> None:
    made = paper(with_names(sheets[0], HOSTILE), "sha256:" + "0" * 64)
    assert made.startswith(b"%PDF-")
    assert paper(sheets[0], "sha256:" + "0" * 64).startswith(b"%PDF-")


def test_a_terminal_obeys_none_of_them(sheets: list[Sheet], capsys: pytest.CaptureFixture[str]) -> None:
    tell(with_names(sheets[0], HOSTILE), "sha256:x")
    told = capsys.readouterr().out
    assert "\x1b]0;" not in told
    assert "\x1b[2J" not in told
    assert "\u202e" not in told
    assert sys.stdout is not None


def test_names_are_softened_where_they_come_in(sheets: list[Sheet]) -> None:
    for one in sheets[0].people:
        assert "\x1b" not in one.name + one.words
        assert "\u202e" not in one.name + one.words
