"""Reading playbooks: what is understood, and where each fault is."""

import pytest

from ostiary.errors import FaultyInputError
from ostiary.response.conditions import Condition
from ostiary.response.playbook import Playbook
from ostiary.response.playbook_file import read_playbook
from ostiary.response.steps import Step, StepKind

WHOLE = """name: whole
describe: everything there is
triggers: ["signal:x", "device:*"]
when:
  - {fact: score, at_least: 0.8}
  - {fact: issuer, in: [a, b]}
  - {fact: subject, exists: true}
phase: high_impact
dry_run: true
techniques: [AML.T0012, T1078.004, LLM01]
steps:
  - do: revoke_subject
    approval: true
  - do: notify
    sink: soc
    text: look
  - do: reduce_session
    privileges: [export]
    lifetime_s: 60
  - do: demand_step_up
    acr_values: ["urn:x"]
"""


def test_everything_there_is_is_understood() -> None:
    assert read_playbook("whole.yaml", WHOLE.encode()) == Playbook(
        name="whole",
        describe="everything there is",
        triggers=("signal:x", "device:*"),
        when=(
            Condition("score", at_least=0.8),
            Condition("issuer", in_=("a", "b")),
            Condition("subject", exists=True),
        ),
        phase="high_impact",
        dry_run=True,
        techniques=("AML.T0012", "T1078.004", "LLM01"),
        steps=(
            Step(StepKind.REVOKE_SUBJECT, approval=True),
            Step(StepKind.NOTIFY, sink="soc", text="look"),
            Step(StepKind.REDUCE_SESSION, privileges=("export",), lifetime_s=60),
            Step(StepKind.DEMAND_STEP_UP, acr_values=("urn:x",)),
        ),
    )


HEAD = "name: x\ntriggers: [signal:x]\nsteps:\n"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "playbook_malformed", 1),
        ("- 1", "playbook_value", 1),
        ("name: x\ntriggers: [signal:x]\n", "playbook_key_missing", 1),
        ("name: X\ntriggers: [signal:x]\nsteps: [{do: notify}]", "playbook_value", 1),
        ("name: x\ntriggers: [nonsense]\nsteps: [{do: notify}]", "playbook_value", 2),
        (HEAD + "  - do: notify\nsurprise: 1\n", "playbook_key_unknown", 5),
        (HEAD + "  - do: explode\n", "playbook_step_unknown", 4),
        (HEAD + "  - approval: true\n", "playbook_key_missing", 4),
        (HEAD + "  - do: revoke_subject\n    sink: soc\n", "playbook_key_unknown", 5),
        (HEAD + "  - do: notify\n    approval: perhaps\n", "playbook_value", 5),
        (HEAD + "  - do: reduce_session\n    lifetime_s: 99999999\n", "playbook_value", 5),
        (HEAD + "  - do: reduce_session\n    lifetime_s: true\n", "playbook_value", 5),
        (HEAD + "  - do: notify\nphase: tomorrow\n", "playbook_phase", 5),
        (HEAD + "  - do: notify\nwhen:\n  - {fact: a}\n", "playbook_condition", 6),
        (HEAD + "  - do: notify\nwhen:\n  - {fact: a, is: 1, is_not: 2}\n", "playbook_condition", 6),
        (HEAD + "  - do: notify\nwhen:\n  - {fact: a, at_least: much}\n", "playbook_value", 6),
        (HEAD + "  - do: notify\nwhen:\n  - {fact: '__class__', is: 1}\n", "playbook_value", 6),
        (HEAD + "  - do: notify\nwhen:\n  - {fact: a, is: [1]}\n", "playbook_value", 6),
        (HEAD + "  - do: notify\ntechniques: [nonsense]\n", "playbook_value", 5),
        (HEAD + "  - &a\n    do: notify\n  - *a\n", "playbook_alias", 4),
        (HEAD + "  - do: !!python/object:os.system notify\n", "playbook_tag", 4),
        (HEAD + "  - do: notify\nname: y\n", "playbook_duplicate", 5),
        (HEAD + "  - do: notify\n" * 17, "playbook_value", 4),
        ("name: x\ntriggers: []\nsteps: [{do: notify}]", "playbook_value", 2),
        ("name: x\x1b\n", "playbook_characters", 1),
        ("name: 'a\u202eb'\n", "playbook_characters", 1),
        ("a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "playbook_too_deep", 1),
        ("#" * 70_000, "playbook_too_large", 1),
        ("{{", "playbook_malformed", 1),
    ],
)
def test_every_fault_has_its_code_and_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(FaultyInputError) as caught:
        read_playbook("x.yaml", text.encode())
    assert (caught.value.code, caught.value.pointer) == (code, str(line))
    assert caught.value.message.startswith(f"x.yaml:{line}: ")
    assert "\x1b" not in caught.value.message
    assert "mapping" not in caught.value.message


def test_a_digest_is_of_everything_that_changes_what_is_done() -> None:
    one = read_playbook("x", (HEAD + "  - do: notify\n").encode())
    other = read_playbook("x", (HEAD + "  - do: notify\n    approval: true\n").encode())
    again = read_playbook("y", (HEAD + "  - {do: notify}\n").encode())
    assert one.digest == again.digest != other.digest
