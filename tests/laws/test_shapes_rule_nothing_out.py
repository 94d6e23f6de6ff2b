"""What is looked for first rules nothing out: readings are the same as when every pattern is asked of every text."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.inspection.text import normalise
from ostiary.inspection.text.normalising import _odd
from ostiary.inspection.unwrapping import encodings, spellings
from ostiary.inspection.unwrapping.encodings import encoded
from ostiary.inspection.unwrapping.found import Found
from ostiary.inspection.unwrapping.shape import classed, plain, words_with
from ostiary.inspection.unwrapping.spellings import spelled

_WRITTEN = r"""ab I 9 0x \x 1 0 @ $ ! | + . - _ * / ~ , ? the rules ignore 1gn0r3 a1 4f previous i-g ru.les : ; `
    01101000 65,66 6f 72 aGVsbG8gd29ybGQgYWdhaW4 system %41 &#65; ignoreallpreviousrules a b " '"""
_PARTS = [*_WRITTEN.split(), "\u00e9", "\u02bc", "\u0661"]
_GAPS = [" ", "  ", "   ", "\n", "\t", "\u3000", "\x1c", "\xa0", "\r", "", "", ""]
TEXTS = st.one_of(
    st.lists(st.sampled_from([*_PARTS, *_GAPS, *_GAPS]), max_size=40).map("".join),
    st.lists(st.sampled_from([*_PARTS, *_GAPS]), min_size=1, max_size=4).flatmap(
        lambda few: st.lists(st.sampled_from(few), max_size=60).map("".join)
    ),
    st.text(max_size=60),
)
_LEETED = re.compile(r"[A-Za-z][0-9@$!|+]|[0-9@$|+][A-Za-z]")
_TOKEN = re.compile(r"(?<![A-Za-z0-9@$!|+])[A-Za-z0-9@$!|+]{2,40}(?![A-Za-z0-9@$!|+])")
_WHATEVER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|[ \t]{3,}|\n{3,}")


def _every_spelling(text: str) -> list[Found]:
    """Return what is spelled oddly when every pattern is asked."""
    leet = [match.span() for match in _TOKEN.finditer(text) if _LEETED.search(match.group())]
    found = [
        *spellings._leet(text, leet),
        *spellings._spaced(text),
        *spellings._blanks(text),
        *spellings._dotted(text),
        *spellings._signed(text, linked=True),
        *(
            Found("together", match.start(), match.end(), "")
            for match in re.finditer(r"[A-Za-z]{18,400}", text)
            if list(spellings._together(match.group(), b"a" * len(match.group())))
        ),
    ]
    long = sum(one.end - one.start for one in found) >= spellings._WORTH * len(text)
    of_attacks = any(spellings._WORDS_OF_ATTACKS.search(one.text) for one in found if one.text)
    told = any(spellings._WORDS_OF_ATTACKS.search(text[one.start : one.end]) for one in found if not one.text)
    return found if long or of_attacks or told else []


@given(TEXTS)
@example("@a b c d e f@")
@example("a.b c/d,e f~g-h")
@example("x 0x69 0x67:6e\\x6f;72 65")
@example("\u0661\u0662 " * 9)
@example("\u3000i.g.n.o.r.e.r.u.l.e.s")
def test_every_spelling_is_found_as_when_every_pattern_is_asked(text: str) -> None:
    told = [(one.kind, one.start, one.end) for one in spelled(text)]
    assert told == [(one.kind, one.start, one.end) for one in _every_spelling(text)]


@given(TEXTS)
@example("0x69 0x67:6e\\x6f;72 65")
@example("\u0661\u0662 " * 9)
@example("01101001 01100111,01101110 01101111 01110010")
def test_every_encoding_is_found_as_when_every_pattern_is_asked(text: str) -> None:
    token = re.search(r"[A-Za-z0-9+/_-]{14}", text)
    kinds = (encodings._TOKENS if token else ()) + encodings._SPELT
    whole = [found for kind in kinds for found in encodings._all(text, *kind)]
    assert encoded(text)[: len(whole)] == whole
    assert all(one.kind in {"url", "html", "escapes"} for one in encoded(text)[len(whole) :])


@given(TEXTS)
def test_an_ordinary_text_is_what_it_was_by_its_pattern(text: str) -> None:
    bare = plain(text).decode()
    assert _odd(bare) == (_WHATEVER.search(bare) is not None)
    assert len(bare) == len(text)
    assert normalise(bare).text == bare or _odd(bare)


@given(st.text("ab -1", max_size=30))
def test_words_with_a_part_are_those_that_hold_it(text: str) -> None:
    shape = classed({"a": "ab", "d": "1"}).of(text)
    wanted = [
        match.span() for match in re.finditer(rb"[^ ]+", shape) if b"ad" in match.group() or b"da" in match.group()
    ]
    assert words_with(shape, (b"ad", b"da")) == wanted
