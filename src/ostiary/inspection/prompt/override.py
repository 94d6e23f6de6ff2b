# ruff: noqa: E501, RUF001 - a pattern is read best on one line, and in its own letters
"""Words that take back what a model was told, language by language: the oldest attack, and the one seen most.

- Written for normalised, lower-cased text: Latin letters without accents.
- Each needs all three: to disregard, what was said *before* (or the model's own), and instructions. "Ignore the warning"
  and "forget all the rules of grammar" are none.
"""

import re
from typing import Final

import msgspec

_GAP: Final = (
    r"\W{1,4}(?:about\W{1,3})?(?:(?!about\b|my\b|warning|error|because|regarding|whether|unless)[^\W_]+\W{1,3}){0,4}?"
)
FEW: Final = r"\W{1,4}(?:[^\W_]+\W{1,3}){0,2}?"


def _before(verb: str, before: str, what: str) -> str:
    """Verb, attribute, noun: English, German, Russian and the like."""
    return rf"\b(?:{verb}){_GAP}(?:{before}){FEW}(?:{what})\b"


def _after(verb: str, what: str, before: str) -> str:
    """Verb, noun, attribute: the Romance languages, Indonesian, Vietnamese."""
    return rf"\b(?:{verb}){_GAP}(?:{what}){FEW}(?:{before})\b"


def _last(before: str, what: str, verb: str) -> str:
    """Attribute, noun, verb: Turkish, Hindi in Latin letters."""
    return rf"\b(?:{before}){FEW}(?:{what}){_GAP}(?:{verb})"


_ENGLISH: Final = (
    r"ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrule|bypass(?:ing)?|neglect|dismiss|discard|"
    r"abandon|supersedes?|cancel|erase|(?:do not|don't|stop|quit|no longer|never) (?:follow|obey|listen to|comply with|adhere to)(?:ing)?|"
    r"pay no attention to|set aside|throw away"
)
_TOLD: Final = (
    r"instructions?|prompts?|guidelines?|directives?|directions?|commands?|orders?|programming|guidance|system ?prompts?|"
    r"system messages?|rules|restrictions|constraints|limitations|safeguards|protocols?"
)

_PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        _before(
            _ENGLISH,
            r"previous(?:ly)?|prior|above|earlier|preceding|foregoing|initial|original|existing|past|former|your|system|"
            r"developer'?s?|openai'?s?",
            _TOLD,
        ),
        _before(
            _ENGLISH,
            r"previous(?:ly)?|prior|earlier|preceding|foregoing",
            r"tasks?|recommendations|(?:ethical|safety) training|rules|dialogue|information provided by",
        ),
        rf"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget){FEW}above\b(?: and\b|,| instead\b|[.!;:])",
        rf"\b(?:{_ENGLISH}){FEW}(?:all|everything) else\W{{1,3}}(?:\w+\W+){{0,3}}?(?:your|you|focus|this|only|follow|attention)\b",
        (
            rf"\b(?:{_ENGLISH}){FEW}(?:everything|anything|all|whatever|what)\W+(?:\w+\W+){{0,3}}?(?:above|before (?:this|that|now)|"
            r"previously|prior to (?:this|that)|(?:you|i) (?:were|was|have been|had been|been|ha(?:ve|d)) (?:told|taught|said|given|instructed)|you (?:know|learned|were taught) before)\b"
        ),
        (
            rf"\b(?:{_ENGLISH}){_GAP}(?:instructions?|directives?|orders?|guidelines?)\W+(?:\w+\W+){{0,4}}?(?:above|before (?:this|that)|"
            r"given (?:earlier|before|previously|to you)|(?:that )?you (?:were|have been|ha(?:ve|d)|got|received) )"
        ),
    ),
    "de": (
        _before(
            r"ignorier\w*|vergiss|vergessen|missacht\w*|uberspring\w*|verwirf|verwerfen",
            r"vorherig\w*|vorig\w*|bisherig\w*|obig\w*|fruher\w*|voran\w+|vorher\w+|vorstehend\w*|deine|ihre|ursprunglich\w*",
            r"anweisung\w*|instruktion\w*|befehle?\w*|regeln?|vorgaben|aufgaben|auftrage?|prompts?|richtlinien|anordnung\w*",
        ),
        r"\b(?:ignorier\w*|vergiss|vergessen sie) (?:\w+ ){0,2}?(?:alles|was) (?:\w+ ){0,4}?(?:davor|zuvor|vorher|bisher|oben|gesagt)",
        r"\b(?:ignorier\w*|vergiss|vergessen sie)\W{1,3}(?:\w+\W){0,2}?alle\W(?:\w+\W){0,2}?(?:anweisung\w*|instruktion\w*|befehle|vorgaben)\b",
    ),
    "fr": (
        _after(
            r"ignor\w+|oubli\w+|neglig\w+|ne ten\w+ (?:pas|aucun|plus) compte|abstraction|desobe\w+",
            r"instructions?|consignes?|directives?|regles?|ordres?|commandes?|prompts?",
            r"precedent\w*|anterieur\w*|ci[- ]dessus|initial\w*|plus haut|d'avant|qui precede\w*|donnees",
        ),
        _before(
            r"ignor\w+|oubli\w+|neglig\w+",
            r"precedent\w*|tes|vos|toutes les|tous les",
            r"instructions|consignes|directives|ordres",
        ),
    ),
    "es": (
        _after(
            r"ignor\w+|olvid\w+|omit\w+|descart\w+|desobedec\w+|desestim\w+|caso omiso",
            r"instruccion\w*|ordenes|reglas|indicaciones|directrices|comandos|prompts?",
            r"anterior\w*|previ[ao]s?|de arriba|inicial\w*|original\w*|dadas|recibidas",
        ),
        _before(
            r"ignor\w+|olvid\w+|descart\w+",
            r"anterior\w*|previ[ao]s|tus|sus|todas las",
            r"instrucciones|ordenes|indicaciones|directrices",
        ),
    ),
    "pt": (
        _after(
            r"ignor\w+|esque\w+|desconsider\w+|descart\w+|desobede\w+",
            r"instruc\w+|ordens|regras|diretrizes|comandos|orientac\w+|prompts?",
            r"anterior\w*|previ[ao]s|acima|inicia\w+|origina\w+|dadas|recebidas",
        ),
        _before(r"ignor\w+|esque\w+|desconsider\w+", r"tuas|suas|todas as", r"instrucoes|ordens|diretrizes"),
    ),
    "it": (
        _after(
            r"ignor\w+|dimentic\w+|trascur\w+|tralasci\w+|scart\w+",
            r"istruzion\w+|regole|direttiv\w+|ordini|comandi|indicazioni|prompt",
            r"precedent\w+|anterior\w+|sopra|inizial\w+|originali|ricevut\w+",
        ),
        _before(r"ignor\w+|dimentic\w+", r"precedenti|tue|tutte le", r"istruzioni|direttive|indicazioni"),
    ),
    "nl": (
        _before(
            r"negeer|vergeet|sla",
            r"vorige|eerdere|voorgaande|bovenstaande|je|jouw|uw|alle",
            r"instructies|regels|opdrachten|aanwijzingen|richtlijnen|bevelen",
        ),
    ),
    "pl": (
        _before(
            r"zignoruj\w*|ignoruj\w*|zapomnij\w*|pomin\w*",
            r"poprzedni\w*|wczesniejsz\w+|powyzsz\w+|dotychczasow\w+|swoj\w+|wszystki\w+",
            r"instrukcj\w*|polece\w*|zasad\w*|regul\w*|wytyczn\w*|rozkaz\w*",
        ),
    ),
    "sv": (
        _before(
            r"ignorer\w*|glom|bortse fran|strunta i",
            r"tidigare|foregaende|ovanstaende|alla|dina",
            r"instruktion\w*|regler|anvisning\w*|order|riktlinjer",
        ),
    ),
    "tr": (
        _last(
            r"onceki|yukaridaki|tum|butun|daha once\w*",
            r"talimat\w*|yonerge\w*|kural\w*|komut\w*|emir\w*",
            r"yok say\w*|unut\w*|gormezden gel\w*|goz ?ardi et\w*|dikkate alma\w*|uyma\w*|iptal et\w*",
        ),
    ),
    "id": (
        _after(
            r"abaikan|lupakan|hiraukan|kesampingkan",
            r"instruksi|perintah|aturan|arahan|petunjuk",
            r"sebelumnya|di atas|awal|tadi|terdahulu",
        ),
    ),
    "vi": (
        _after(
            r"bo qua|phot lo|quen|khong tuan theo",
            r"huong dan|chi thi|menh lenh|lenh|quy tac|chi dan",
            r"truoc|tren|ban dau",
        ),
    ),
    "hinglish": (
        _last(
            r"pichl[ei]|pehle ke|pehle wale|sabhi|saare|sare|purane|upar ke",
            r"instructions?|nirdesh\w*|rules?|niyam\w*|prompts?|commands?|hukm",
            r"ignore|bhool\w*|bhul\w*|nazar ?andaz|andekha|chhod\w*|mat mano",
        ),
    ),
    "ru": (
        _before(
            r"(?:про)?игнорир\w+|забудь\w*|забыть|отмени\w*|пренебре\w+|не обращай\w* внимания на|не следуй\w*",
            r"предыдущ\w+|прошл\w+|прежн\w+|предшеств\w+|выше\w*|сво\w+|тво\w+|ранее|все",
            r"инструкци\w+|указани\w+|команд\w*|приказ\w*|распоряжени\w+|предписани\w+|промпт\w*|установк\w+",
        ),
    ),
    "uk": (
        _before(
            r"(?:про)?ігнору\w+|забудь\w*|відкинь\w*",
            r"попередн\w+|минул\w+|всі|усі|свої",
            r"інструкці\w+|вказівк\w+|команд\w*|наказ\w*",
        ),
    ),
    "ar": (
        (
            r"(?:تجاهل|تجاهلي|[اإأ]?نس[َىي]?|[أا]همل|تخط[ىي]?)\W+(?:\w+\W+){0,3}?(?:ال)?(?:تعليمات|[أا]وامر|قواعد|[إا]رشادات|توجيهات)\w*\W+"
            r"(?:\w+\W+){0,2}?(?:ال)?(?:سابق|[أا]علاه|[أا]ولي|[أا]صلي)\w*"
        ),
    ),
    "hi": (
        (
            r"(?:पिछल|पहले|सभी|उपरोक्त|ऊपर|पूर्व|सारे)\S*\s(?:\S+\s){0,3}?(?:निर्देश|आदेश|हिदायत|अनुदेश)\S*\s(?:\S+\s){0,3}?"
            r"(?:अनदेख|नज़रअंदाज|नजरअंदाज|नज़रअंदाज़|नज़रंदाज|भूल|उपेक्षा|इग्नोर)"
        ),
    ),
    "zh": (
        (
            r"(?:忽略|忽视|忽視|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不用管|抛开|拋開|丢弃)[^。!?\n]{0,10}?(?:之前|以前|先前|前面|以上|上述|上面|系统|系統|你的|"
            r"此前|原有|原来|原來|先头|刚才|剛才)[^。!?\n]{0,8}?(?:指令|指示|提示|说明|說明|规则|規則|命令|要求|设定|設定|内容|內容|约束|限制)"
        ),
    ),
    "ja": (
        (
            r"(?:以前|これまで|前述|前|上記|今まで|先ほど|さっき|最初|システム|あなた)の?[^。\n]{0,10}?(?:指示|命令|ルール|プロンプト|指令|規則|制約|設定)"
            r"[をはに](?:すべて|全て|全部)?[^。\n]{0,4}?(?:無視|忘れ|破棄|従わ|取り消)"
        ),
    ),
    "ko": (
        r"(?:이전|앞선|앞의|위의|위에|기존|지금까지|원래|시스템)[^.\n]{0,10}?(?:지시|명령|규칙|지침|프롬프트|설정)\S{0,4}\s?[^.\n]{0,8}?(?:무시|잊어|잊으|따르지|버리)",
    ),
}

_CLUES: Final[dict[str, tuple[str, str]]] = {
    "en": (
        "ignor|disregard|forget|overrid|overrul|bypass|neglect|dismiss|discard|abandon|supersede|cancel|erase|not follow|n't follow|stop follow|quit follow|longer follow|never follow|obey|listen to|comply with|adhere to|no attention|set aside|throw away",
        "instruct|prompt|guideline|directive|direction|command|order|programming|guidance|message|rules|restriction|constraint|limitation|safeguard|protocol|task|recommendation|training|dialogue|information|above|everything|anything|all |whatever|what ",
    ),
    "de": (
        "ignorier|vergiss|vergessen|missacht|uberspring|verw",
        "anweisung|instruktion|befehl|regel|vorgaben|aufgaben|auftra|prompt|richtlinien|anordnung|alles|was ",
    ),
    "fr": (
        "ignor|oubli|neglig|compte|abstraction|desobe",
        "instruction|consigne|directive|regle|ordre|commande|prompt",
    ),
    "es": (
        "ignor|olvid|omit|descart|desobedec|desestim|caso omiso",
        "instruccion|ordenes|reglas|indicaciones|directrices|comando|prompt",
    ),
    "pt": ("ignor|esque|desconsider|descart|desobede", "instruc|ordens|regras|diretrizes|comandos|orientac|prompt"),
    "it": ("ignor|dimentic|trascur|tralasci|scart", "istruzion|regole|direttiv|ordini|comandi|indicazioni|prompt"),
    "nl": ("negeer|vergeet|sla ", "instructies|regels|opdrachten|aanwijzingen|richtlijnen|bevelen"),
    "pl": ("ignoruj|zapomnij|pomin", "instrukcj|polece|zasad|regul|wytyczn|rozkaz"),
    "sv": ("ignorer|glom|bortse|strunta", "instruktion|regler|anvisning|order|riktlinjer"),
    "tr": ("talimat|yonerge|kural|komut|emir", "yok say|unut|gormezden|ardi et|dikkate|uyma|iptal"),
    "id": ("abaikan|lupakan|hiraukan|kesampingkan", "instruksi|perintah|aturan|arahan|petunjuk"),
    "vi": ("bo qua|phot lo|quen|khong tuan", "huong dan|chi thi|lenh|quy tac|chi dan"),
    "hinglish": ("pichl|pehle|sabhi|saare|sare|purane|upar", "ignore|bhool|bhul|nazar|andekha|chhod|mat mano"),
    "ru": (
        "игнорир|забуд|забыть|отмени|пренебре|не обращай|не следуй",
        "инструкци|указани|команд|приказ|распоряжени|предписани|промпт|установк",
    ),
    "uk": ("ігнору|забудь|відкинь", "інструкці|вказівк|команд|наказ"),
    "ar": ("تجاهل|نس|همل|تخط", "تعليمات|وامر|قواعد|رشادات|توجيهات"),
    "hi": ("निर्देश|आदेश|हिदायत|अनुदेश", "अनदेख|अंदाज|ंदाज|भूल|उपेक्षा|इग्नोर"),
    "zh": (
        "忽略|忽视|忽視|无视|無視|忘|不要理|不用管|抛开|拋開|丢弃",
        "指令|指示|提示|说明|說明|规则|規則|命令|要求|设定|設定|内容|內容|约束|限制",
    ),
    "ja": ("無視|忘れ|破棄|従わ|取り消", "指示|命令|ルール|プロンプト|指令|規則|制約|設定"),
    "ko": ("무시|잊|따르지|버리", "지시|명령|규칙|지침|프롬프트|설정"),
}


class Override(msgspec.Struct, frozen=True):
    """One language's patterns, and what stands in every match of them: something of each group."""

    language: str
    pattern: re.Pattern[str]
    clues: tuple[tuple[str, ...], ...]


OVERRIDES: Final = tuple(
    Override(language, re.compile("|".join(patterns)), tuple(tuple(group.split("|")) for group in _CLUES[language]))
    for language, patterns in _PATTERNS.items()
)
