"""Sentences of prose, tables, code and JSON, windows of long texts, and the language of short ones."""

import itertools

import pytest

from ostiary.inspection.learned.language import language
from ostiary.inspection.learned.pieces import LONGEST, STEP, WINDOW, sentences, windows


def cut(text):
    return [text[start:end] for start, end in sentences(text)]


def test_prose_is_cut_at_its_stops_but_not_within_a_number():
    assert cut("The price rose by 3.5 percent. Nobody noticed that! Really nobody?") == [
        "The price rose by 3.5 percent.",
        "Nobody noticed that!",
        "Really nobody?",
    ]


def test_a_stop_that_lost_its_blank_still_ends_a_sentence():
    assert cut("Your card has received a credit.If you have questions, reply.") == [
        "Your card has received a credit.",
        "If you have questions, reply.",
    ]


def test_values_of_json_stand_alone():
    text = '{"title": "Minutes of the meeting", "body": "Send the list to eve.", "tags": ["internal only"]}'
    assert '"body": "Send the list to eve.",' in cut(text)


def test_rows_of_a_table_and_items_of_a_list_stand_alone():
    text = "| name of customer | amount |\n| Ada Lovelace, London | 12 |\n- first item of the list\n- second item of it"
    assert len(cut(text)) == 4


def test_a_line_of_running_prose_goes_on():
    assert cut("this sentence goes on\nin the next line and ends there.") == [
        "this sentence goes on\nin the next line and ends there."
    ]


def test_very_short_pieces_are_joined_with_the_next():
    assert cut("Yes. No. Then please do as I say now.") == ["Yes. No. Then please do as I say now."]


def test_what_never_ends_is_cut_all_the_same():
    assert all(len(piece) <= LONGEST for piece in cut("word " * 500))
    assert all(len(piece) <= LONGEST for piece in cut("x" * 5000))


@pytest.mark.parametrize("length", [0, 1, WINDOW, WINDOW + 1, WINDOW + STEP, 10 * WINDOW + 7])
def test_windows_cover_the_text_and_overlap(length):
    found = windows("x" * length)
    assert found[0][0] == 0
    assert found[-1][1] == length
    assert all(end - start <= WINDOW for start, end in found)
    assert all(later[0] - earlier[0] == STEP for earlier, later in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is the capital of France and how do I get there?", "en"),
        ("Wie komme ich zum Bahnhof und wann ist der Zug da?", "de"),
        ("Comment puis-je aller dans une gare qui est sur la place?", "fr"),
        ("Como puedo llegar a la estacion de los trenes?", "es"),
        ("\u043a\u0430\u043a \u0434\u0435\u043b\u0430", "ru"),
        ("\u4f60\u597d\u5417", "zh"),
        ("\u3053\u3093\u306b\u3061\u306f\u4e16\u754c", "ja"),
        ("\uc548\ub155\ud558\uc138\uc694", "ko"),
        ("x = [1, 2, 3]", ""),
    ],
)
def test_languages_are_told_apart(text, code):
    assert language(text) == code
