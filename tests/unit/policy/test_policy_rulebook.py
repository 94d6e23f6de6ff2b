"""Words of rules, from annotations."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.rulebook import RuleBook, annotations
from ostiary.vocabulary.effects import Effect

SOURCE = """# METADATA
# title: the package
package ostiary.guardrails

# METADATA
# title: late
# description: >
#   It is
#   late.
# custom:
#   id: late
#   remediation: Sleep.
deny contains {"rule": "late"} if true

# METADATA
# title: unusual
# custom: {id: unusual, effect: STEP_UP}
proposals contains {"rule": "unusual"} if true

# METADATA
# custom: {id: late}
deny contains {"rule": "late"} if false
"""


def test_blocks_and_words() -> None:
    book = RuleBook.read({"a.rego": SOURCE})
    assert sorted(book) == ["late", "unusual"]
    late = book["late"]
    assert (late.title, late.explanation, late.remediation) == ("late", "It is late.", "Sleep.")
    assert (late.effect, late.file, late.line) == (Effect.DENY, "a.rego", 13)
    assert book["unusual"].effect is Effect.STEP_UP
    assert book.words_of("unheard-of").explanation == ""


def test_faulty_blocks_are_told_and_left_out() -> None:
    source = "# METADATA\n# title: [\np := 1\n# METADATA\n# - a\nq := 1\n# METADATA\n# custom: 5\nr := 1\n# METADATA"
    found = list(annotations("a.rego", source))
    assert [bool(each.fault) for each in found] == [True, True, False, True]
    assert RuleBook.read({"a.rego": source}).keys() == set()


@given(st.text(alphabet='# METADATA\nid:custom{}[]"x', max_size=120))
def test_any_comment_is_read(text: str) -> None:
    assert len(RuleBook.read({"a.rego": "# METADATA\n" + text})) >= 0
