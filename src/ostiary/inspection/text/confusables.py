# ruff: noqa: RUF001, RUF002 - what looks alike is what this file is about
"""Letters of other scripts that look like Latin ones, and when a word of them is folded to Latin.

- A word that mixes scripts is folded to Latin when all its foreign letters have a Latin lookalike; when they have not,
  and its Latin letters all look like Cyrillic ones, it is folded to Cyrillic: somebody hid in the other direction.
- A word wholly of lookalikes is folded only in a text whose other letters are Latin. Plain Cyrillic, Greek, Armenian or
  Cherokee text stays as it is.

>>> fold_word("ignоrе", latin_text=True), fold_word("сор", latin_text=False), fold_word("секрет", latin_text=True)
('ignore', 'сор', 'секрет')
"""

from typing import Final

_PAIRS: Final = (
    # Cyrillic, small then capital
    "аa бb вb гr еe ёe зz иn йn кk мm нh оo пn рp сc тt уy хx ьb ѕs іi їi јj ґr һh ӏl ԁd ԛq ԝw ѡw ѵv ѻo ҽe",
    "ғf қk ңh өo үy ұy ҳx ҩa ӕæ ӧo әe ԍg",
    "АA ВB ЕE ЁE ЗZ ИN КK МM НH ОO РP СC ТT УY ХX ЅS ІI ЇI ЈJ ЬB ҐR ԌG ԚQ ҺH ӀI ԜW ѴV ҒF ҚK ҢH ӨO ҮY ҲX",
    # Greek
    "αa βb γy δd εe ζz ηn ιi κk λl μm νv ξe οo πn ρp ςs σo τt υu χx ωw ϲc ϳj ϱp ϵe ϐb",
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC ͿJ",
    # Armenian, Cherokee, Lisu, Coptic, Hebrew-like letters that some fonts draw as Latin ones
    "օo ոn սu հh ցg զq գq ւi ԼL ՍU ՏS ՕO եt լl",
    "ᎠD ᎡR ᎢT ᎥI ᎩY ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᎽY ᏀG ᏂH ᏃZ ᏎS ᏏB ᏒR ᏔW ᏕS ᏙV ᏚS ᏞL ᏟC ᏢP ᏦK ᏧD ᏮG",
    "ꓐB ꓑP ꓒd ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU",
    "ⲟo ⲣp ⲥc ⲓi ⲕk ⲙm ⲛn ⲧt ⲩy ⲭx ⲁa ⲃb ⲉe",
)

_ALWAYS: Final = (
    # Small capitals, phonetic and rotated letters: Latin by their own name, so folded wherever they stand.
    "ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ꞯq ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz",
    "ɑa ɐa ƅb ɓb ƈc ɕc ɖd ɗd ɘe ǝe əe ɛe ɜe ƒf ɠg ɡg ɦh ɥh ɨi ıi ɩi ʝj ȷj ɟj ƙk ʞk ɫl ɬl ɭl ɱm ɯm ɲn ɳn ƞn ŋn ɵo ɔo",
    "ƥp ʠq ɹr ɾr ɽr ɼr ʂs ʃs ƭt ʈt ʇt ʉu ʊu ʋv ʌv ʍw ʎy ƴy ʐz ʑz ƶz øo łl đd ħh ŧt ØO ŁL ĐD ĦH ŦT ƗI ɆE Ɵo ƎE ƆO Ɛe",
    "ⅽc ⅾd ⅼl ⅿm ℮e ⱥa ȼc ɇe ǥg ɉj ꝁk ƚl ꝑp ꝗq ɍr ʀr ꞩs ɏy ƀb ꞓc ᵽp ᶁd ᶂf ᶃg ᶄk ᶅl ᶆm ᶇn ᶈp ᶉr ᶊs ᶌv ᶍx ᶎz",
)


def _table(*rows: str) -> dict[str, str]:
    return {pair[0]: pair[1] for row in rows for pair in row.split() if len(pair) == 2}  # noqa: PLR2004 - a letter, its likeness


ALWAYS: Final = _table(*_ALWAYS)
LATIN: Final = _table(*_PAIRS)
_CYRILLIC: Final = {LATIN[letter]: letter for letter in "аеорсухіѕјһкАВЕКМНОРСТУХІЅЈ"}
SURELY: Final = frozenset("аеорсухіїѕјһԁԛԝӏАВЕКМНОРСТХІЅЈԜοαινρυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսһᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᏃᏎᏒᏙᏞᏟᏢᏦ")


def fold_word(word: str, *, latin_text: bool) -> str:
    """Return the word with its lookalikes folded, letter for letter; the word itself where it is honest."""
    latin = sum(letter.isascii() for letter in word)
    foreign = [letter for letter in word if not letter.isascii()]
    if latin and all(letter in LATIN for letter in foreign):
        return "".join(LATIN.get(letter, letter) for letter in word)
    if latin and all(letter in _CYRILLIC for letter in word if letter.isascii()):
        return "".join(_CYRILLIC.get(letter, letter) for letter in word)
    if not latin and latin_text and all(letter in SURELY for letter in foreign):
        return "".join(LATIN[letter] for letter in word)
    return word
