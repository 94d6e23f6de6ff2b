"""Every fault of a mapping is told with a stable code and the line on which it stands."""

import pytest

from ostiary.signals.anylog.faults import FaultyMappingError
from ostiary.signals.anylog.mapping import load

SOUND = """mapping: door
read: {as: json}
event:
  time: {column: at, format: unix_s}
  subject_id: who
  action: {constant: open}
  resource_type: {constant: door}
  resource_id: what
"""


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FaultyMappingError) as caught:
        load(text.encode(), "door.yaml")
    found = caught.value
    told = found.message.split("\n")
    assert len(told) == len(found.faults)
    assert all(line.startswith(f"door.yaml:{one.pointer}: ") for line, one in zip(told, found.faults, strict=True))
    assert found.code == found.faults[0].code
    return [(int(one.pointer), one.code) for one in found.faults]


def fault_of(line: str, instead: str) -> tuple[int, str]:
    """The one fault after a line of the sound mapping was replaced."""
    assert line in SOUND
    (found,) = faults(SOUND.replace(line, instead))
    return found


def test_the_sound_one_is_sound() -> None:
    found = load(SOUND.encode(), "door.yaml")
    assert found.digest.startswith("sha256:")
    assert found.fields == ("time", "subject_id", "action", "resource_type", "resource_id")
    assert found.columns == {("at",): 4, ("who",): 5, ("what",): 8}


@pytest.mark.parametrize(
    ("line", "instead", "number", "code"),
    [
        ("mapping: door", "mapping: Door!", 1, "mapping_value"),
        ("mapping: door", "mapping: ../door", 1, "mapping_value"),
        ("mapping: door", "maping: door", 1, "mapping_key"),
        ("mapping: door", "describe: x", 1, "mapping_missing"),
        ("mapping: door", "mapping: door\ndescribe: 5", 2, "mapping_value"),
        ("mapping: door", "mapping: door\nzone: Mars/Base", 2, "mapping_value"),
        ("mapping: door", "mapping: door\nzone: ../../etc/passwd", 2, "mapping_value"),
        ("mapping: door", "mapping: door\nmalformed: explode", 2, "mapping_value"),
        ("mapping: door", "mapping: door\nskip:\n- {column: a, iss: b}", 3, "mapping_key"),
        ("mapping: door", "mapping: door\nskip: {column: a, is: b, because: 5}", 2, "mapping_value"),
        ("read: {as: json}", "read: json", 2, "mapping_value"),
        ("read: {as: json}", "read: {}", 2, "mapping_missing"),
        ("read: {as: json}", "read: {as: xml}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: json, delimiter: ;}", 2, "mapping_key"),
        ("read: {as: json}", "read: {as: csv, envelope: a}", 2, "mapping_key"),
        ("read: {as: json}", "read: {as: csv, delimiter: ab}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: csv, delimiter: '\"'}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: csv, header: 5}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: csv, header: [a, a]}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: csv, multiline: maybe}", 2, "mapping_value"),
        ("read: {as: json}", "read: {as: json, empty: [5]}", 2, "mapping_value"),
        ("  subject_id: who", "  subject_di: who\n  subject_id: who", 5, "mapping_field"),
        ("  subject_id: who", "  subject_id: 5", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: a..b", 5, "mapping_column"),
        ("  subject_id: who", "  subject_id: {column: [a, -1]}", 5, "mapping_column"),
        ("  subject_id: who", "  subject_id: {column: [0]}", 5, "mapping_column"),
        ("  subject_id: who", "  subject_id: {column: 3}", 5, "mapping_column"),
        ("  subject_id: who", "  subject_id: {colum: who}", 5, "mapping_key"),
        ("  subject_id: who", "  subject_id: {column: a, template: b}", 5, "mapping_missing"),
        ("  subject_id: who", "  subject_id: {default: x}", 5, "mapping_missing"),
        ("  subject_id: who", "  subject_id: {column: a, required: false}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {column: a, required: 1}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {column: a, malformed: maybe}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {column: a, scale: 2}", 5, "mapping_key"),
        ("  subject_id: who", "  subject_id: {column: a, map: {}}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {column: a, otherwise: b}", 5, "mapping_missing"),
        ("  subject_id: who", "  subject_id: {first: []}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {constant: null}", 5, "mapping_value"),
        ("  subject_id: who", "  subject_id: {constant: x, default: y}", 5, "mapping_key"),
        ("  subject_id: who", "  subject_id: {constant: x, when: {column: a, is: b}}", 5, "mapping_value"),
        ("  subject_id: who", '  subject_id: "{who"', 5, "mapping_template"),
        ("  subject_id: who", '  subject_id: "{}{who}"', 5, "mapping_template"),
        ("  subject_id: who", '  subject_id: "{who!r}"', 5, "mapping_template"),
        ("  subject_id: who", '  subject_id: "{who:>9}"', 5, "mapping_template"),
        ("  action: {constant: open}", "  action: {constant: [a]}", 6, "mapping_value"),
        ("  action: {constant: open}", "  action: {constant: x}\n  outcome: {constant: sucess}", 7, "mapping_value"),
        ("  action: {constant: open}", "  action: {constant: x}\n  ip: {column: a, default: b}", 7, "mapping_value"),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  outcome:\n    column: a\n    map:\n      1: success\n      2: fail",
            11,
            "mapping_value",
        ),
        ("  action: {constant: open}", "  action: {constant: x}\n  marks: {balk: {}}", 7, "mapping_field"),
        ("  action: {constant: open}", "  action: {constant: x}\n  marks: {bulk: {}}", 7, "mapping_missing"),
        ("  action: {constant: open}", "  action: {constant: x}\n  marks: {bulk: {column: a}}", 7, "mapping_missing"),
        ("  action: {constant: open}", "  action: {constant: x}\n  marks: {bulk: {is: a}}", 7, "mapping_missing"),
        ("  action: {constant: open}", "  action: {constant: x}\n  marks: {bulk: {all: {}}}", 7, "mapping_value"),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  marks: {bulk: {column: a, above: b}}",
            7,
            "mapping_value",
        ),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  marks: {bulk: {column: a, told: 1}}",
            7,
            "mapping_value",
        ),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  marks: {bulk: {column: a, is: []}}",
            7,
            "mapping_value",
        ),
        ("  action: {constant: open}", "  action: {constant: x}\n  tenant: other", 7, "mapping_field"),
        ("  action: {constant: open}", "  action: {constant: x}\n  source: other", 7, "mapping_field"),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  count: {column: a, since: unix_s}",
            7,
            "mapping_key",
        ),
        ("  action: {constant: open}", "  action: {constant: x}\n  bytes: {column: a, scale: 0}", 7, "mapping_value"),
        ("  action: {constant: open}", "  action: {constant: x}\n  groups: {column: a, split: 5}", 7, "mapping_value"),
        (
            "  action: {constant: open}",
            "  action: {constant: x}\n  tz_offset_min: {column: a, format: days}",
            7,
            "mapping_value",
        ),
        ("  resource_id: what", "  resourceid: what", 8, "mapping_field"),
    ],
)
def test_a_fault_is_told_with_its_line(line: str, instead: str, number: int, code: str) -> None:
    found = faults(SOUND.replace(line, instead))
    assert line in SOUND
    assert (number, code) in found


@pytest.mark.parametrize(
    "form",
    ["unix", "%Q", "%Y-%m", "%H:%M", "%Y%Y-%m-%d", "%Y-%m-%d" + " " * 90, "%", "[1]", "5", "%Y-%m-%d %s"],
)
def test_forms_of_time_that_are_none(form: str) -> None:
    text = SOUND.replace("unix_s", f"'{form}'" if form.startswith("%") else form)
    assert faults(text)[0] == (4, "mapping_value")


def test_a_time_is_no_constant_and_its_fault_hides_no_other() -> None:
    found = faults(SOUND.replace("{column: at, format: unix_s}", "{constant: 5}") + "  ip: {constant: here}\n")
    assert found == [(4, "mapping_value"), (9, "mapping_value")]


def test_all_faults_are_told_at_once_up_to_twenty() -> None:
    text = SOUND + "".join(f"  field{number}: x\n" for number in range(40))
    assert faults(text) == [(number, "mapping_field") for number in range(9, 29)]


def test_a_guess_is_made() -> None:
    text = SOUND.replace("subject_id: who", "subject_id: who\n  token.agee_s: x").replace("as: json", "ass: json")
    with pytest.raises(FaultyMappingError, match="did you mean `as`") as caught:
        load(text.encode(), "door.yaml")
    assert caught.value.exit_code == 1
    with pytest.raises(FaultyMappingError, match=r"did you mean `token.age_s`"):
        load(text.replace("ass:", "as:").encode(), "door.yaml")
    text = SOUND.replace("{constant: open}", "{constant: open}\n  outcome: {constant: sucess}")
    with pytest.raises(FaultyMappingError, match="did you mean `success`"):
        load(text.encode(), "door.yaml")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(FaultyMappingError, match="cannot do without `resource_id`"):
        load(SOUND.replace("  resource_id: what\n", "").encode(), "door.yaml")


def test_columns_of_a_table_are_named_as_they_are() -> None:
    text = SOUND.replace("as: json", "as: csv").replace("subject_id: who", "subject_id: a.b[x] y")
    assert ("a.b[x] y",) in load(text.encode(), "x").columns
