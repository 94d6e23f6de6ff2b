"""Laws of the normaliser and of what cuts and reads texts: any text, no crash, no growth, always a way back."""

import itertools
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.inspection.learned.language import language
from ostiary.inspection.learned.pieces import LONGEST, WINDOW, sentences, windows
from ostiary.inspection.text import normalise
from ostiary.inspection.text.characters import told
from ostiary.inspection.unwrapping import alternatives

ODD = st.sampled_from(
    "\u200b\u202e\ufe0f\u0301\u0336\u00a0\u2028\U0001f60a\U000e0041\U000e0100\ud800\u0430\u03bf\u1100\u1161\ufb01\u3000\x00\x1b|.=%"
)
TEXTS = st.text(st.one_of(st.characters(), ODD, st.sampled_from("abc XYZ019\n\t.,-_")), max_size=200)


def test_what_is_told_of_a_character_is_told_of_nothing_it_is_written_as():
    for code in range(0x110000):
        written, _ = told(chr(code))
        assert all(told(one) == (one, "") for one in written), hex(code)


@given(TEXTS)
@settings(max_examples=tries(100, 400), deadline=None)
def test_a_plain_text_stays_as_it_is(text):
    plain = normalise(text).text
    again = normalise(plain)
    assert again.text == plain
    assert not again.hidden


@given(TEXTS)
@settings(max_examples=tries(100, 400), deadline=None)
def test_positions_lead_back_in_order_and_within_the_text(text):
    plain = normalise(text)
    spans = [plain.span(at, at + 1) for at in range(len(plain.text))]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(one[0] <= other[0] for one, other in itertools.pairwise(spans))


@given(TEXTS)
@settings(max_examples=tries(100, 400), deadline=None)
def test_nothing_invisible_is_left(text):
    left = normalise(text).text
    assert not [
        char for char in left if unicodedata.category(char) in {"Cf", "Cs", "Co"} or (char < " " and char not in "\n\t")
    ]
    assert len(left) <= 6 * len(text)


@given(st.text(st.sampled_from("абвгдежзийклмнопрстуфхцчшщъыьэюя АБВ.,"), max_size=80))
def test_plain_cyrillic_is_untouched(text):
    assert normalise(text).text.replace("\n", " ").split() == text.split()


@given(TEXTS)
@settings(max_examples=tries(100, 200), deadline=None)
def test_pieces_are_whole_and_of_bounded_length(text):
    plain = normalise(text * 8).text
    for cut, longest in ((windows, WINDOW), (sentences, LONGEST)):
        parts = cut(plain)
        assert all(0 <= start <= end <= len(plain) and end - start <= longest for start, end in parts)
        inside = {at for start, end in parts for at in range(start, end)}
        assert all(char.isspace() or at in inside for at, char in enumerate(plain))
    assert language(plain) == language(plain)


@given(TEXTS)
@settings(max_examples=tries(100, 300), deadline=None)
def test_other_readings_are_bounded_and_lead_back(text):
    plain = normalise(text).text
    for other in alternatives(plain):
        assert len(other.text) <= 4 * len(plain) + 65_536
        start, end = other.span(0, len(other.text))
        assert 0 <= start <= end <= len(plain)
        assert other.kinds
