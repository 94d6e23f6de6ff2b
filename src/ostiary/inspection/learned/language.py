r"""Which language a text is in, roughly and cheaply: only a threshold hangs on it.

- Scripts that one language writes decide at once; among languages of Latin script the most frequent little words do.
- What cannot be told is ``""``, which has thresholds of its own. Normalised text is expected: accents are gone.

>>> language("Wo ist der Zug?"), language("x = 1"), language("\u043f\u0440\u0438\u0432\u0435")
('de', '', 'ru')
"""

import re
from typing import Final

_LOOKED_AT: Final = 2_000
_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ru", re.compile("[\u0400-\u052f]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_FOREIGN: Final = re.compile("[\u0370-\u1cff\u2c80-\u2dff\u3040-\ud7ff]")
_WORD: Final = re.compile("[a-z]+")
_SHARE: Final = 0.1
_ENOUGH: Final = 1.5
_LITTLE: Final = {
    "en": "the and of to is that it for you with this are was not have be on as what how can do your from an by a i me "
    "my we he she at or if all please write give about when where why which who will would could should has had they "
    "them his her our up out so but any there then than more no in am did does use make",
    "de": "der die das und ist nicht ich ein eine zu den mit auf fur von im wie wo was sich es sie wir bitte kann auch",
    "fr": "le la les des et est une un dans pour que qui pas vous je il du sur avec ce comment mon ma votre ne au",
    "es": "el la los las y es una un para que en por con no como de del mi se su lo cual me al esta",
    "pt": "o a os as e um uma para que em por com nao como do da no na meu minha se eu voce mais ao",
    "it": "il lo la gli e un una per che di in con non come sono mi del della si questo puoi ho al quale",
    "nl": "de het een en is niet ik van voor met op in te dat die zijn hoe wat je naar mijn kan er ook",
    "tr": "bir ve bu icin ile ne nasil mi da de cok var daha olarak ben bana olan gibi lutfen en misin kadar",
    "pl": "i w na z do nie jest sie to jak co czy ze dla o po moj mi jaki prosze od ja jego jest",
    "id": "yang dan di untuk dengan ini itu saya apa bagaimana tidak ke dari adalah bisa anda pada akan",
    "vi": "la va cua cho toi co khong mot cac nhung duoc trong voi de nay lam the nao ban",
    "sv": "och att det som en jag ar inte pa med for av den till har hur vad kan ett om",
}
_SPEAKERS: Final = {
    word: tuple(name for name, words in _LITTLE.items() if word in words.split())
    for word in {word for words in _LITTLE.values() for word in words.split()}
}
_OWNERS: Final = {word: tuple((name, 1 / len(names)) for name in names) for word, names in _SPEAKERS.items()}
"""The languages of each little word, and how much of a vote it gives each of them."""


def language(text: str) -> str:
    """Return the code of the language of a normalised text, such as ``en``; empty when it cannot be told."""
    head = text[:_LOOKED_AT]
    if not head.isascii():
        foreign = len(_FOREIGN.findall(head))
        if foreign > _SHARE * sum(map(str.isalpha, head)):
            return max(_SCRIPTS, key=lambda one: (2 if one[0] == "ja" else 1) * len(one[1].findall(head)))[0]
    votes = dict.fromkeys(_LITTLE, 0.0)
    for owners in filter(None, map(_OWNERS.get, _WORD.findall(head.lower()))):
        for owner, share in owners:
            votes[owner] += share
    best = max(votes, key=votes.__getitem__)
    return best if votes[best] >= _ENOUGH else ""
