"""A mapping comes from a colleague, a forum, a pull request: it is data from outside, and so is every row it reads.

What an author of a hostile mapping wants: to run code, to reach into our objects, to read other files, to have the
import take for ever or all memory, to hide a second meaning from the reviewer, or to write events of another tenant.
"""

import json
import time
import tracemalloc
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.document import MAX_BYTES
from ostiary.signals.anylog.faults import FaultyMappingError
from ostiary.signals.anylog.mapping import Mapping, load
from ostiary.signals.anylog.shelf import shipped
from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, read

SOUND = """mapping: m
read: {as: json}
event:
  time: {column: t, format: unix_s}
  subject_id: who
  action: {constant: open}
  resource_type: {constant: door}
  resource_id: what
"""


def refusal(text: str) -> FaultyMappingError:
    """The fault of a hostile mapping, found within two seconds and 64 MiB."""
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(FaultyMappingError) as caught:
            load(text.encode("utf-8", "surrogatepass"), "m.yaml")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 2
    assert peak < 64 << 20
    return caught.value


def laughs(levels: int) -> str:
    lines = ['a0: &a0 ["ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha"]']
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (laughs(9), "mapping_alias"),
        ("a: &x\n  b: *x\n", "mapping_alias"),
        ("<<: {mapping: m}\n", "mapping_key"),
        ("mapping: !!python/object/apply:os.system ['id']\n", "mapping_tag"),
        ("mapping: !!binary aGk=\n", "mapping_tag"),
        ("mapping: !include /etc/passwd\n", "mapping_tag"),
        ("[" * 50_000, "mapping_too_deep"),
        ("{a: " * 50_000, "mapping_too_deep"),
        ("- " * 50_000 + "x", "mapping_too_deep"),
        ("a: [" + "1," * 60_000 + "]", "mapping_too_deep"),
        ("a: " + "x" * MAX_BYTES, "mapping_too_large"),
        ("a: " + "x" * 5_000, "mapping_too_large"),
        ("mapping: m\nmapping: m\n", "mapping_duplicate"),
        ("---\nmapping: m\n---\nmapping: other\n", "mapping_malformed"),
        ("a: \x1b[2J\n", "mapping_characters"),
        ('a: "\\e[2J"\n', "mapping_characters"),
        ("a: safe\u202eevil\n", "mapping_characters"),
        ('a: "\\u202e"\n', "mapping_characters"),
        ("a: \x00\n", "mapping_characters"),
        ("a: \ud800\n", "mapping_malformed"),
        ("", "mapping_malformed"),
    ],
)
def test_hostile_yaml_is_refused_at_once(text: str, code: str) -> None:
    assert refusal(text).code == code


def test_the_same_column_twice_in_one_event_cannot_hide() -> None:
    text = SOUND + "  subject_id: admin\n"
    fault = refusal(text)
    assert (fault.code, fault.pointer) == ("mapping_duplicate", "9")


def test_a_fault_shows_no_control_characters() -> None:
    fault = refusal('"mapp\\ting": x\n')
    assert fault.message == "m.yaml:1: `mapp\ufffding` is no key of a mapping: did you mean `mapping`?"


def event_of(resource: str, row: dict[str, object], form: str = "json") -> Accepted | None:
    found = load(SOUND.replace("what", resource).replace("as: json", f"as: {form}").encode(), "m.yaml")
    (one,) = found.read([json.dumps({"t": 1, "who": "ann", **row}).encode()], "default")
    return one if isinstance(one, Accepted) else None


@pytest.mark.parametrize(
    "template",
    [
        "{who.__class__}",
        "{who.__class__.__mro__[1]}",
        "{who.upper}",
        "{__builtins__}",
        "{row}",
        "{self}",
        "{who.__len__}",
    ],
)
def test_templates_reach_members_of_the_row_and_nothing_else(template: str) -> None:
    assert event_of(f'"{template}"', {}) is None, "not told: there is no such column"


def test_a_column_called_like_an_attribute_is_a_column() -> None:
    found = event_of('"{__class__}"', {"__class__": "honest"})
    assert found is not None
    assert found.event.resource_id == "honest"


@pytest.mark.parametrize(
    "template", ["{who!r}", "{who:>1000000000}", "{0:x}", "{who", "who}", "{}", "{{who}", "{a{b}}"]
)
def test_there_is_no_format_language(template: str) -> None:
    assert refusal(SOUND.replace("what", f'"{template}"')).code == "mapping_template"


@pytest.mark.parametrize(
    "template", ["{a}" * 33, "x" * 513, "{" + "a." * 40 + "b}", "{a" + "[0]" * 40 + "}", "{a[99999]}", "{a[-1]}"]
)
def test_huge_templates_and_paths_are_refused(template: str) -> None:
    assert refusal(SOUND.replace("what", f'"{template}"')).code in {"mapping_template", "mapping_column"}


def test_a_template_of_huge_columns_makes_no_huge_event() -> None:
    found = event_of('"' + "{b}" * 32 + '"', {"b": "x" * 900_000})
    assert found is not None
    assert len(found.event.resource_id) == 512


def test_what_is_in_a_row_is_never_a_template() -> None:
    found = event_of('"{b}"', {"b": "{who} {0.__class__} %s ${HOME}"})
    assert found is not None
    assert found.event.resource_id == "{who} {0.__class__} %s ${HOME}"


def test_many_wrong_fields_cost_little() -> None:
    wrong = "".join(f"  subject_idd{number}: x\n" for number in range(9_000))
    assert len(refusal(SOUND + wrong).faults) == 20


def test_many_columns_are_refused() -> None:
    words = ", ".join(f'"{{c{number}}}{{d{number}}}"' for number in range(16))
    fields = "".join(
        f"  {name}: {{first: [{words.replace('{c', '{' + name).replace('{d', '{x' + name)}]}}\n"
        for name in (
            "session_id",
            "client_id",
            "issuer",
            "auth_method",
            "device_id",
            "user_agent",
            "ua_os",
            "ua_family",
            "detail",
        )
    )
    assert refusal(SOUND + fields).code == "mapping_too_large"


@pytest.mark.parametrize(
    "name",
    [
        "../devaccess",
        "devaccess.yaml",
        "../../../../etc/passwd",
        "/etc/passwd",
        "mappings/devaccess",
        "",
        "\x00/x",
        "a" * 300,
    ],
)
def test_names_are_looked_up_and_never_made_into_paths(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped(name) is None
    with pytest.raises(FaultyInputError) as caught:
        format_of(name)
    assert caught.value.code == "format_unknown" or caught.value.code.startswith("mapping_")
    assert "root:" not in caught.value.message, "a file that is no mapping is not shown"


def test_a_file_that_is_no_mapping_is_not_told_whole(tmp_path: Path) -> None:
    secret = tmp_path / "key.yaml"
    secret.write_text(
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\n"
    )
    with pytest.raises(FaultyInputError) as caught:
        format_of(str(secret))
    assert "MC4CAQ" not in caught.value.message


def test_no_mapping_writes_events_of_another_tenant_or_another_source() -> None:
    for name in ("tenant", "source", "time_ns", "__class__", "token"):
        assert refusal(SOUND + f"  {name}: x\n").code == "mapping_field"
    assert {one.event.tenant for one in rows_of(load(SOUND.encode(), "m"), 2)} == {"default"}


def rows_of(found: Mapping, number: int) -> list[Accepted]:
    line = json.dumps({"t": 1, "who": "ann", "what": "x", "tenant": "other", "source": "okta"}).encode()
    return [one for one in found.read([b"\n".join([line] * number)], "default") if isinstance(one, Accepted)]


def test_texts_of_rows_are_made_harmless_as_in_every_adapter() -> None:
    found = event_of("b", {"b": "front\n1600000000 root opened vault\u202e"})
    assert found is not None
    assert found.event.resource_id == "front\ufffd1600000000 root opened vault\ufffd"


@pytest.mark.parametrize(
    "text", ["a" * 60, "1" * 64, "2020-09-13 " * 6, "%" * 64, "2020-09-13T" + "9" * 50, "9" * 10_000]
)
def test_no_time_takes_long_to_refuse(text: str) -> None:
    for form in ("iso8601", "unix_s", "%Y-%m-%d %H:%M:%S.%f %z", "%B %d %Y %p %I %a %j"):
        found = load(SOUND.replace("unix_s", f'"{form}"').encode(), "m.yaml")
        line = json.dumps({"t": text, "who": "ann", "what": "x"}).encode()
        begun = time.monotonic()
        codes = {getattr(one, "code", "") for one in found.read([b"\n".join([line] * 50)], "default")}
        assert codes == {"time_malformed"}
        assert time.monotonic() - begun < 2


def test_a_row_cannot_hide_the_rows_after_it() -> None:
    header = b"event_id,session_id,ts,tz_offset_min,user,repo,area,n_files\n"
    evil = b'1,1,1279930123,0,"mallory,r,a,1\n'
    good = b"2,2,1279930124,0,ann,r,a,1\n"
    found = list(read("devaccess", [header + evil + good * 3], "default"))
    assert [isinstance(one, Accepted) for one in found] == [False, True, True, True]
