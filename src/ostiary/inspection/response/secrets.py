"""Secrets by rule: a table of shapes, a second look at each candidate, and what is known to be no secret.

- A rule tells a value by its own shape, or by the name of a service near an assignment; entropy counts only there.
- The second look runs ``re2`` over one region: linear in its length, whatever stands in it.
- Placeholders and the examples of vendors' documentation are no secrets (``placeholders.py``).

>>> region = Region("", "key is ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6", "")
>>> judge = next(p.judge for p in secret_patterns() if p.viable.startswith("ghp_"))
>>> judge(region)
[Find(start=7, end=47, rule='secret.github-pat')]
"""

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from ostiary.inspection.response.beside import is_named
from ostiary.inspection.response.linear import compiled
from ostiary.inspection.response.looks import LEAST, entropy, is_mixed, looks_chosen, looks_drawn, looks_grouped
from ostiary.inspection.response.placeholders import is_placeholder
from ostiary.inspection.response.regions import BEFORE, Find, Judge, Pattern, Region

ASSIGNED: Final = (
    r"""[ \t\w.-]{0,20}[\s'"`]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|\.=|,| is | are | to |\\")[`'"\s=\\]{0,5}"""
)
_VALUE: Final = r"[^\s\"'`]{6,}"
_GENERIC_NAMES: Final = (
    r"access[_-]?(?:key|token)|auth[_-]?(?:key|token|secret)|api[_-]?(?:key|token|secret)|credentials?|private[_-]?key|"
    r"passw(?:or)?d|passwd|pwd|passphrase|secret|token|key|creds|auth|bearer"
)
_CHOSEN: Final = re.compile(  # what people choose themselves
    r"(?i)(?:passw|pwd|passphrase|secret)[\w.\"'\]-]{0,16}[\s=:>|,(\"'`]{1,12}$"
)
_WORDY: Final = re.compile(r"[A-Za-z0-9_]")
_PUBLIC: Final = re.compile(r"(?i)pub(?:lic)?[_-]?$")  # a public key is told to everybody
_TOUCHES: Final = re.compile(r"[A-Za-z0-9_/+=-]")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the table; see the head of ``secrets.toml``."""

    id: str
    near: str = ""
    value: str = ""
    token: str = ""
    edge: bool = False
    bits: float = 0.0
    mixed: bool = False  # letters and digits both
    whole: bool = False  # neither entropy nor neighbours count
    group: str = ""  # only this part of the match is taken out, as often as it stands there


@cache
def rules() -> tuple[Rule, ...]:
    """Return the table."""
    text = files("ostiary.inspection.response").joinpath("secrets.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["rule"], type=list[Rule]))


@cache
def secret_patterns() -> tuple[Pattern, ...]:
    """Return what to look for.

    Raises:
        UnavailableError: ``re2_missing``: the extra ``gateway`` is not installed.
    """
    tokens = tuple(Pattern(rule.token, _token_judge(rule), rule.edge) for rule in rules() if rule.token)
    near = [rule for rule in rules() if rule.near]
    names = "|".join([rule.near for rule in near] + [_GENERIC_NAMES])
    assigned = Pattern(
        f"(?i)(?:{names}){ASSIGNED}(?:(?:basic|bearer|token) {{1,4}})?{_VALUE}", _near_judge(tuple(near))
    )
    return (*tokens, assigned)


def _token_judge(rule: Rule) -> Judge:
    exact = compiled(f"({rule.token})")
    inner = re.compile(rule.group) if rule.group else None

    def judge(region: Region) -> list[Find]:
        spans = [match.span(1) for match in exact.finditer(region.text)]
        if inner is not None:
            spans = [part.span(1) for start, end in spans for part in inner.finditer(region.text, start, end)]
        return [
            Find(start, end, f"secret.{rule.id}")
            for start, end in spans
            if _stands(region, start, end, rule) and _is_secret(region.text[start:end], rule)
        ]

    return judge


def _stands(region: Region, start: int, end: int, rule: Rule) -> bool:
    """Return whether the match is a whole word, where the rule wants one."""
    if rule.whole or rule.group:
        return True
    before = region.text[start - 1] if start else region.before[-1:]
    after = region.text[end : end + 1] or region.after
    if rule.edge and _WORDY.match(before):
        return False
    return not (_WORDY.match(after) and _WORDY.match(region.text[end - 1]))


def _is_secret(value: str, rule: Rule) -> bool:
    if rule.mixed and not is_mixed(value):
        return False
    if rule.bits and entropy(value) < rule.bits:
        return False
    return rule.whole or not is_placeholder(value)


def _near_judge(near: tuple[Rule, ...]) -> Judge:
    named = [(_hints(rule.near), compiled(_near_pattern(rule.near, rule.value)), rule) for rule in near]
    generic = _generic_judge()

    def judge(region: Region) -> list[Find]:
        lower = region.text.lower()
        found = []
        for hints, exact, rule in named:
            if any(hint in lower for hint in hints):
                found += _near_finds(region, exact, rule)
        taken = [range(find.start, find.end) for find in found]
        return found + [find for find in generic(region) if not any(find.start in span for span in taken)]

    return judge


def _near_pattern(names: str, value: str) -> str:
    return f"(?i)(?:{names}){ASSIGNED}({value})"


def _near_finds(region: Region, exact: Any, rule: Rule) -> list[Find]:
    found = []
    for match in exact.finditer(region.text):
        start, end = match.span(1)
        after = region.text[end : end + 1] or region.after
        open_to_all = _PUBLIC.search((region.before[-8:] + region.text[max(match.start() - 8, 0) : match.start()])[-8:])
        if not open_to_all and not _TOUCHES.match(after) and _is_secret(region.text[start:end], rule):
            found.append(Find(start, end, f"secret.{rule.id}"))
    return found


def _hints(names: str) -> tuple[str, ...]:
    """Return words one of which must be there for ``names`` to match."""
    plain, before = names, ""
    while plain != before:  # groups from the inside out, so that no ``|`` of theirs is left
        plain, before = re.sub(r"\((?:\?:)?[^()]*\)\??", "\0", plain), plain
    return tuple(max(re.split(r"\[.*?\]\??|\\\.|.\?|\0", name), key=len) for name in plain.split("|"))


def _generic_judge() -> Callable[[Region], list[Find]]:
    """Return the judge of values without a shape of their own: only by name, entropy and a mix of characters."""
    rule = Rule(id="generic", near=_GENERIC_NAMES, value=r"[\w.=+/~:%@!#$^&*?-]{10,150}", mixed=True)
    exact = compiled(_near_pattern(rule.near, rule.value))

    def judge(region: Region) -> list[Find]:
        return [find for find in _near_finds(region, exact, rule) if _is_generic(region, find)]

    return judge


def _is_generic(region: Region, find: Find) -> bool:
    value = region.text[find.start : find.end]
    before = (region.before + region.text[max(find.start - BEFORE, 0) : find.start])[-BEFORE:]
    if not is_named(before, value):
        return False
    if len(value) >= LEAST and (looks_drawn(value) or looks_grouped(value)):
        return True
    return bool(_CHOSEN.search(before)) and looks_chosen(value)
