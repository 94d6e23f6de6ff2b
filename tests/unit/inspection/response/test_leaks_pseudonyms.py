"""Pseudonyms: one user's names, which nobody else can turn back."""

import re

import pytest

from ostiary.inspection.response import DEFAULT_ACTIONS, Action, Leaks, LeakSettings
from ostiary.inspection.response.pseudonyms import Pseudonyms
from ostiary.inspection.response.restoring import Restoring

LEAKS = Leaks(LeakSettings(actions={**DEFAULT_ACTIONS, "pii": Action.TOKENISE}))
ADA = Pseudonyms(b"s" * 32, "default", "ada")
TEXT = "card 4111 1111 1111 1111 and again 4111 1111 1111 1111"


def released(names):
    scan = LEAKS.scan(replace=names.name)
    return scan.feed(TEXT) + scan.close()


def test_the_same_value_is_the_same_name_and_comes_back_for_its_user():
    out = released(ADA)
    assert "4111" not in out
    first, second = out.removeprefix("card ").split(" and again ")
    assert first == second
    assert ADA.restored(f"please charge {first}") == "please charge 4111 1111 1111 1111"


@pytest.mark.parametrize(
    "other",
    [
        Pseudonyms(b"s" * 32, "default", "bob"),
        Pseudonyms(b"s" * 32, "acme", "ada"),
        Pseudonyms(b"t" * 32, "default", "ada"),
        Pseudonyms(b"s" * 32, "defaul", "tada"),
    ],
)
def test_another_user_tenant_or_secret_turns_nothing_back(other):
    out = released(ADA)
    assert other.restored(out) == out
    assert released(other) != out


def test_a_changed_name_and_another_kind_turn_nothing_back():
    name = ADA.name("pii.card", "4111111111111111")
    assert ADA.restored(name.replace("pii.card", "pii.iban")) == name.replace("pii.card", "pii.iban")
    changed = name[:-3] + ("a" if name[-3] != "a" else "b") + name[-2:]
    assert ADA.restored(changed) == changed
    assert ADA.restored("[pii.card~" + "a" * 27 + "]") == "[pii.card~" + "a" * 27 + "]"


def test_a_value_too_long_to_carry_is_only_taken_out():
    assert ADA.name("secret.private-key", "x" * 5_000) == "[REDACTED:secret.private-key]"


def test_a_pseudonym_split_over_a_stream_comes_back_at_every_cut():
    text = f"so {released(ADA)} [and [pii.x~ not] [ one"
    expected = ADA.restored(text)
    assert "4111 1111 1111 1111" in expected
    for at in range(len(text) + 1):
        restoring = Restoring(ADA)
        assert restoring.feed(text[:at]) + restoring.feed(text[at:]) + restoring.close() == expected
    letter_by_letter = Restoring(ADA)
    assert "".join(map(letter_by_letter.feed, text)) + letter_by_letter.close() == expected


class Adas:
    """Knows one name."""

    def find(self, sentence):
        return [(match.start(), match.end(), "person") for match in re.finditer("Ada Lovelace", sentence)]


def test_names_are_found_in_whole_sentences_however_they_are_cut():
    leaks = Leaks(LeakSettings(actions={**DEFAULT_ACTIONS, "pii.person": Action.TOKENISE}), names=Adas())
    text = "It was Ada Lovelace. She wrote a program" + " and on" * 120 + " Ada Lovelace"
    whole = leaks.scan(replace=ADA.name)
    expected = whole.feed(text) + whole.close()
    assert "Ada Lovelace" not in expected
    assert ADA.restored(expected) == text
    for at in range(0, len(text), 3):
        scan = leaks.scan(replace=ADA.name)
        assert scan.feed(text[:at]) + scan.feed(text[at:]) + scan.close() == expected
