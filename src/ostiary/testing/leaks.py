"""Values that must not leave, drawn by seed: a valid one for every rule of secrets, numbers with right check digits.

- A secret is drawn from the very pattern of its rule, until entropy and mix are what the rule asks for.
- Numbers come with their check digit found by trying: what ``holds`` is what the product holds.

>>> from random import Random
>>> secret(Random(7), "github-pat")[:4], number(Random(7), "pl-pesel") == number(Random(7), "pl-pesel")
('ghp_', True)
"""

import re
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from ostiary.inspection.response.grammar import OTHER, Alt, Cat, Rep, Sym, Tree, parse
from ostiary.inspection.response.looks import entropy
from ostiary.inspection.response.pii.cards import is_card
from ostiary.inspection.response.pii.digits import mod97
from ostiary.inspection.response.pii.national import KINDS, SEPARATORS
from ostiary.inspection.response.placeholders import is_placeholder
from ostiary.inspection.response.secrets import Rule, rules

_TRIES: Final = 20_000
_MORE: Final = 12  # of an open count
WORDS: Final = {
    "us-ssn": "SSN", "fr-nir": "NIR",
    "de-tax-id": "Steuer-ID", "es-dni": "DNI", "nl-bsn": "BSN", "be-national-number": "NISS",
    "pl-pesel": "PESEL", "se-personnummer": "personnummer", "br-cpf": "CPF", "in-aadhaar": "Aadhaar",
    "gb-nhs": "NHS number", "us-aba": "routing number", "ca-sin": "SIN", "au-tfn": "TFN",
    "no-fnr": "fødselsnummer", "dk-cpr": "CPR",
}  # fmt: skip
TEMPLATES: Final = (
    '{name}_token = "{value}"', "{name}Token={value}", "{name}_key: '{value}'", '"{name}_token": "{value}"',
    'String {name}Token = "{value}";', "export {upper}_TOKEN={value}", "The {name} key is {value} as agreed",
    "{name}Token := `{value}`", '"{name}Token" => "{value}"', '{upper}_KEY ?= "{value}"',
)  # fmt: skip


class Planted(NamedTuple):
    """A value, and a text that holds it as people write it."""

    rule: str
    value: str
    text: str


def drawn(random: Random, tree: Tree) -> str:
    """Return a text that ``tree`` describes."""
    if isinstance(tree, Sym):
        codes = [code for code in range(OTHER) if tree.mask >> code & 1]
        return chr(random.choice([code for code in codes if chr(code).isprintable()] or codes))
    if isinstance(tree, Rep):
        most = tree.most if tree.most is not None else tree.least + _MORE
        return "".join(drawn(random, tree.part) for _ in range(random.randint(tree.least, most)))
    if isinstance(tree, Alt):
        return drawn(random, random.choice(tree.parts))
    if isinstance(tree, Cat):
        return "".join(drawn(random, part) for part in tree.parts)
    raise AssertionError(tree)


# Rules that take a part out of something longer: that, with the part left open.
LONGER: Final = {
    "password-in-url": "postgresql://app:{value}@db.internal:5432/main",
    "curl-header": "curl -s -H 'Authorization: Bearer {value}' https://api.internal/v1",
    "curl-user": "curl https://api.internal/v1 \\\n  --user deploy:{value} -o out.json",
    "nuget-config-password": '<add key="ClearTextPassword" value="{value}" />',
    "kubernetes-secret": "kind: Secret\nmetadata:\n  name: db\ndata:\n  password: {value}\n  user: YWRtaW4=\n",
}


def secret(random: Random, rule_id: str) -> str:
    """Return a value of the rule ``rule_id``."""
    return _value(random, next(rule for rule in rules() if rule.id == rule_id))


def _value(random: Random, rule: Rule) -> str:
    tree = parse(rule.token or rule.value)
    for _ in range(_TRIES):
        value = drawn(random, tree)
        if _fits(value, rule):
            return value
    raise AssertionError(f"no value for `{rule.id}`")


def _fits(value: str, rule: Rule) -> bool:
    mixed = not rule.mixed or (any(c.isdigit() for c in value) and not value.isdigit())
    fine = bool(rule.token) or not (value.startswith(tuple("-_=.+/~")) or value.endswith(tuple("-_=.+/~:")))
    return mixed and (fine or rule.whole) and (rule.whole or not is_placeholder(value)) and entropy(value) >= rule.bits


def secrets_of(random: Random, rule: Rule) -> Planted:
    """Return a value of ``rule`` in a text; for rules by name the name stands beside it."""
    if rule.id in LONGER:
        value = "".join(random.choices("abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789", k=24))
        return Planted(f"secret.{rule.id}", value, f"Here you are:\n{LONGER[rule.id].format(value=value)}\nOk?")
    value = _value(random, rule)
    name = drawn(random, parse(rule.near)) if rule.near else random.choice(("our", "deploy", "prod"))
    template = random.choice(TEMPLATES)
    text = template.format(name=name, upper=name.upper(), value=value)
    return Planted(f"secret.{rule.id}", value, f"Here you are:\n{text}\nAnything else?")


def number(random: Random, kind_name: str) -> str:
    """Return a number of a national kind whose check holds."""
    kind = next(kind for kind in KINDS if kind.name == kind_name)
    tree = parse(kind.shape)
    for _ in range(_TRIES * 10):
        value = drawn(random, tree)
        if kind.holds(SEPARATORS.sub("", value)):
            return value
    raise AssertionError(f"no number for `{kind_name}`")


def card(random: Random) -> str:
    """Return a card's number, grouped or not."""
    while True:
        start = random.choice(("4", "51", "55", "2221", "34", "37", "6011", "3528", "62"))
        length = 15 if start in {"34", "37"} else 16
        digits = start + "".join(random.choices("0123456789", k=length - len(start)))
        if is_card(digits):
            grouped = re.sub(r"(\d{4})(?=\d)", random.choice((r"\1 ", r"\1-")), digits)
            return grouped if length == 16 and random.random() < 0.5 else digits  # noqa: PLR2004 - half of them


def iban(random: Random) -> str:
    """Return an IBAN, grouped or not."""
    country, length = random.choice((("DE", 22), ("FR", 27), ("GB", 22), ("NL", 18), ("ES", 24), ("PL", 28)))
    letters = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) if country in {"GB", "NL"} else ""
    body = letters + "".join(random.choices("0123456789", k=length - 4 - len(letters)))
    number = next(made for check in range(2, 99) if mod97(made := f"{country}{check:02}{body}"))
    return re.sub(r"(.{4})(?=.)", r"\1 ", number) if random.random() < 0.5 else number  # noqa: PLR2004 - half of them


def people(random: Random) -> Iterator[Planted]:
    """Yield one text for each kind of number of people."""
    value = card(random)
    yield Planted("pii.card", value, f"Charge it to {value}, please.")
    value = iban(random)
    yield Planted("pii.iban", value, f"The account is {value} at that bank")
    for kind in KINDS:
        value = number(random, kind.name)
        yield Planted(f"pii.{kind.name}", value, f"Her {WORDS.get(kind.name, 'number')} is {value}, as written.")
