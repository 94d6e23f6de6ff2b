"""Numbers of people: examples that the states and standards themselves publish, and what only looks like them."""

import pytest

from ostiary.inspection.response import DEFAULT_ACTIONS, Action, Leaks, LeakSettings

LEAKS = Leaks()
PUBLISHED = {
    "pii.card": [
        "4111111111111111",
        "5555 5555 5555 4444",
        "3782-822463-10005",
        "6011111111111117",
        "3530111333300000",
    ],
    "pii.iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR14 2004 1010 0505 0001 3M02 606"],
    "pii.us-ssn": ["536-90-4399", "123-45-6789"],
    "pii.de-tax-id": ["Steuer-ID 86095742719", "steuerliche Identifikationsnummer 47 036 892 816"],
    "pii.fr-nir": ["2 55 08 14 168 025 38"],
    "pii.it-codice-fiscale": ["RSSMRA85T10A562S"],
    "pii.es-dni": ["DNI 12345678Z", "NIE X1234567L", "X1234567L"],
    "pii.nl-bsn": ["BSN 111222333", "BSN 123456782"],
    "pii.be-national-number": ["85.07.30-033.28", "rijksregisternummer 85073003328"],
    "pii.pl-pesel": ["PESEL 44051401359"],
    "pii.se-personnummer": ["personnummer 811228-9874", "19811228-9874"],
    "pii.fi-hetu": ["131052-308T"],
    "pii.br-cpf": ["529.982.247-25", "123.456.789-09", "CPF 52998224725"],
    "pii.in-aadhaar": ["Aadhaar 2341 2341 2346"],
    "pii.cn-id": ["11010519491231002X"],
    "pii.gb-nhs": ["NHS number 943 476 5919"],
    "pii.us-aba": ["routing number 021000021"],
    "pii.ca-sin": ["SIN 130 692 544"],
    "pii.au-tfn": ["TFN 123 456 782"],
    "pii.ch-ahv": ["756.9217.0769.85"],
    "pii.no-fnr": ["fødselsnummer 01010750160"],
}
NONE = [
    "order 4111111111111112",  # the check digit is wrong
    "4111111111111111a",
    "0.4111111111111111",
    "a4111111111111111",
    "GB82 WEST 1234 5698 7654 33",
    "ZZ82WEST12345698765432",  # no such country
    "000-12-3456",
    "666-12-3456",
    "078-05-1120",  # the number of a wallet's sample card
    "987-65-4321",
    "the order 44051401359 of 2024",  # right, and nothing says what it is
    "invoice 111222333",
    "tracking 021000021",
    "call 943 476 5919",
    "PESEL 44051401358",
    "BSN 111222334",
    "Aadhaar 2341 2341 2347",
    "529.982.247-26",
    "RSSMRA85T10A562T",
    "131052-308U",
    "11010519491231002Y",
    "DNI 12345678A",
    "2024-01-31 12:30:45",
    "1700000000000",
    "version 10.20.30.40",
    "sha 4111111111111111deadbeef",
    "ISBN 978-3-16-148410-0",
    "the numbers 1234567812345678 and 0000000000000000",
]


def found(text, leaks=LEAKS):
    scan = leaks.scan()
    return scan.feed(text) + scan.close(), [finding.rule for finding in scan.findings]


@pytest.mark.parametrize(("rule", "said"), [(rule, said) for rule, row in PUBLISHED.items() for said in row])
def test_a_published_example_is_found_and_taken_out(rule, said):
    released, rules = found(f"It is {said}, they say.")
    assert rules == [rule]
    assert released.startswith("It is ")
    assert f"[REDACTED:{rule}], they say." in released
    assert not any(part in released for part in said.split()[1:] if part.isdigit())


@pytest.mark.parametrize("said", NONE)
def test_what_only_looks_like_one_is_let_be(said):
    assert found(f"Look: {said} there.") == (f"Look: {said} there.", [])


def test_addresses_are_told_and_stay_unless_policy_says_otherwise():
    text = "Write to ada@lovelace.org, call +44 20 7946 0958, see 8.8.8.8 and you@example.com."
    assert found(text) == (text, ["pii.email", "pii.phone"])
    strict = Leaks(
        LeakSettings(actions={**DEFAULT_ACTIONS, **dict.fromkeys(("pii.email", "pii.phone", "pii.ip"), Action.REDACT)})
    )
    released, rules = found(text, strict)
    assert rules == ["pii.email", "pii.phone", "pii.ip"]
    assert released == (
        "Write to [REDACTED:pii.email], call [REDACTED:pii.phone], see [REDACTED:pii.ip] and you@example.com."
    )


def test_a_kind_that_is_off_is_not_looked_for():
    leaks = Leaks(LeakSettings(actions={**DEFAULT_ACTIONS, "pii.card": Action.OFF}))
    text = "pay 4111111111111111"
    assert found(text, leaks) == (text, [])
