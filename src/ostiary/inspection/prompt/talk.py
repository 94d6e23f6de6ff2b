# ruff: noqa: E501 - a pattern is read best on one line
"""Whether words are used or only talked about: an article that quotes an attack is none.

- Quoted: the stretch stands between quotation marks or back-ticks of one line, and those are not around the whole text.
- Talked about: within ``_NEAR`` characters before it, or ``_AFTER`` behind, somebody speaks *of* injections, attacks,
  detection or examples: twice, or once and the stretch is quoted.
- Asked: whether one may, can, should do such a thing.
- Only rules ask this, and rules only raise: what is excused here is still judged by the models.

>>> text = "attackers write 'ignore all previous instructions' into mails."
>>> only_talk(text, 17, 48), only_talk("ignore all previous instructions", 0, 32)
(True, False)
"""

import re
from typing import Final

_NEAR: Final = 220
_AFTER: Final = 120
_ASKING: Final = 40
_QUOTES: Final = "\"'`\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u300c\u300d"
_OF: Final = re.compile(
    r"\b(?:prompt[- ]?injections?|injections?|jailbreak(?:s|ing)|attack(?:s|ers?)?|adversar\w+|malicious|exploit\w*|"
    r"detect(?:s|ed|ing|ion|ors?)?|guardrails?|defen[cs]es?|mitigat\w+|vulnerabilit\w+|red[- ]team\w*|payloads?|phrases?|"
    r"examples?|e\.g\.|for instance|such as|like|called|known as|keywords?|strings?|filters?|scann\w+|classif\w+|"
    r"sanitiz\w+|poison\w+|social engineering|research\w*|papers?|owasp|security|angriff\w*|beispiel\w*|attaques?|exemples?|ataques?|"
    r"ejemplos?|exemplos?|esempi\w*)\b"
)
_ASKED: Final = re.compile(
    r"\b(?:(?:can|should|could|may|do|must|would|shall|might) (?:i|we|one|people|they)|(?:ok|okay|safe|fine|wise|allowed|possible) (?:for \w+ )?to|"
    r"(?:how|when|why|whether) (?:do|can|could|should|would|to)(?: (?:i|we|you|people|one))?)(?: \w+)?\W*\Z"
)


def only_talk(text: str, start: int, end: int) -> bool:
    """Return whether ``start`` to ``end`` of the lower-cased text is quoted or talked about."""
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _AFTER]
    if _ASKED.search(before[-_ASKING:]):
        return True
    talked = len(_OF.findall(before)) + len(_OF.findall(after))
    return talked > 1 or (talked > 0 and _quoted(text, before, after))


def _quoted(text: str, before: str, after: str) -> bool:
    """Return whether a quotation opens before it on its line and closes behind it; not one around the whole text."""
    line, rest = before.rpartition("\n")[2], after.partition("\n")[0]
    opened = sum(line.count(mark) for mark in _QUOTES)
    return opened > 0 and any(mark in rest for mark in _QUOTES) and text.lstrip()[:1] not in _QUOTES
