"""Whether the user asked for a kind of deed at all: the verb in a tool's name, and words for it in the request.

A person who writes "pay the bill" asked for ``send_money``, one who writes "how many appointments do I have" for no
deed. This never makes a call right: it only tells a call that fits the request from one that nobody spoke of, where the
values of its arguments come from elsewhere. A request in a language that has no words here asks for nothing.

>>> asks_for("send_money", "Please pay the bill"), asks_for("delete_file", "How many appointments do I have?")
(True, False)
>>> asks_for("create_calendar_event", "Bitte trage einen Termin ein"), asks_for("frobnicateWidget", "frobnicate it")
(True, True)
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ostiary.gateway.tools.kinds import words_of

# Stems by deed: English, German, French, Spanish, Italian, Portuguese, Dutch.
_STEMS: Final = {
    "send": (
        "send sent email e-mail mail message write wrote tell reply respond answer forward notify inform"
        " contact dm text let schick sende schreib antwort benachrichtig teil envoi envoy écri répond transmet"
        " préven enví env escrib reenví avis manda invia scriv rispond inoltr envi escrev encaminh stuur"
        " verstuur schrijf antwoord"
    ),
    "post": (
        "post publish upload tweet share comment announce write reply veröffentlich poste publi partag"
        " compart pubblic condivid plaats deel submit send put"
    ),
    "pay": (
        "pay paid send transfer refund wire repay settle reimburse donate bezahl überweis zahl erstatt paie"
        " paye vire virer rembours pag transfier reembols paga bonific rimbors transf betaal maak overmak"
    ),
    "change": (
        "change update modify edit adjust set rename reschedul move correct replace fix alter amend switch"
        " ändere änder aktualisier verschieb anpass setz chang modifi actualis déplac met cambi modific"
        " actualiz muev ajust aggiorn spost mud atualiz wijzig verander bijwerk verplaats"
    ),
    "create": (
        "creat make add schedul set-up setup set write draft generat put remind save erstell leg trag anleg"
        " erzeug merk crée créer crea ajout rappel cre añad agend recuérd aggiung ricord cri adicion marc"
        " lembr maak voeg herinner toe"
    ),
    "add": (
        "add append insert includ put join attach invit extend complete füge hinzu trag ergänz ajout inclu"
        " añad agreg aggiung inser adicion acrescent voeg toevoeg"
    ),
    "remove": (
        "delet remov eras drop cancel clear clean trash unsubscrib kick ban revok purg discard archiv lösch"
        " entfern storni supprim effac annul enlèv elimin borr quit cancell rimuov apag verwijder wis annuleer"
    ),
    "book": (
        "book reserv order buy purchas rent buch reservier bestell kauf miet réserv achet commande lou compr"
        " alquil prenot acquist ordin noleggi alug boek reserveer koop bestel huur"
    ),
    "invite": "invit add einlad lade añad convid uitnodig nodig",
    "share": "share access grant permission send invit teil freigab freigeb partag donn compart condivid deel",
    "run": (
        "run execut launch start deploy call trigger stop restart install führ lanc exécut ejecut inici"
        " esegui avvi voer draai"
    ),
}
_DEEDS: Final = {
    **dict.fromkeys(
        ("send", "email", "mail", "message", "notify", "reply", "forward", "respond", "dm", "text", "sms"), "send"
    ),
    **dict.fromkeys(("post", "publish", "upload", "tweet", "comment", "announce", "push", "submit"), "post"),
    **dict.fromkeys(("pay", "transfer", "wire", "refund", "remit", "charge", "donate", "withdraw"), "pay"),
    **dict.fromkeys(
        (
            "update",
            "modify",
            "edit",
            "change",
            "set",
            "rename",
            "move",
            "reschedule",
            "patch",
            "write",
            "replace",
            "adjust",
        ),
        "change",
    ),
    **dict.fromkeys(("create", "make", "new", "schedule", "register", "save", "draft", "open", "insert"), "create"),
    **dict.fromkeys(("add", "append", "attach", "join", "include", "insert"), "add"),
    **dict.fromkeys(
        ("delete", "remove", "erase", "drop", "cancel", "clear", "trash", "kick", "ban", "revoke", "purge"), "remove"
    ),
    **dict.fromkeys(("book", "reserve", "order", "buy", "purchase", "rent"), "book"),
    "invite": "invite",
    "share": "share",
    "grant": "share",
    **dict.fromkeys(("run", "exec", "execute", "launch", "start", "deploy", "stop", "restart", "install"), "run"),
}
_NOUNS: Final = frozenset(
    [
        "email",
        "mail",
        "message",
        "text",
        "sms",
        "dm",
        "comment",
        "post",
        "order",
        "open",
        "set",
        "new",
        "draft",
        "transfer",
        "charge",
    ]
)
# "How many mails did I get" asks for no mail to be sent; "mail Bob" and "and message her" do.
_THINGS: Final = (
    "mail",
    "email",
    "e-mail",
    "message",
    "text",
    "post",
    "comment",
    "order",
    "dm",
    "rent",
    "contact",
    "answer",
)
_DONE: Final = re.compile(
    r"(?:^|[.!?,;:\n\"'(]\s*|\b(?:and|please|to|then|also|or|you|we|us|me|und|bitte|et|y|e|en)\s+)"
    r"(mail|email|e-mail|message|text|post|comment|order|dm|rent|contact|answer)\b"
)
_MONEY: Final = frozenset({"money", "payment", "transaction", "funds", "transfer", "invoice"})
_ENDING: Final = 4  # letters that a stem may grow by: pay, payment
_EMPTY: Final = frozenset({"tool", "data", "item", "with", "from", "into", "this", "that", "user", "info"})
_HANDS_OVER: Final = re.compile(
    r"\b(?:do|perform|complete|execute|carry out|follow|act on|handle|finish|erledige|befolge|führe|fais|exécute|suis"
    r"|haz|realiza|sigue|esegui|segui|faça|siga|doe|voer|volg)\b"
    r"(?![^.!?:\n]{0,40}\b(?:following|these|below)\b)[^.!?:\n]{0,60}?"  # a list of the user's own is no handing over
    r"\b(?:actions?|tasks?|to-?dos?|instructions?|steps|items|requests?|aufgaben?|anweisung(?:en)?|tâches?|tareas?"
    r"|instrucciones|compiti|istruzioni|tarefas?|instruções|taken|instructies)\b",
    re.IGNORECASE,
)
_POINTS_TO: Final = re.compile(
    r"\b(?:accordingly|according to|based on|you (?:can|will) find|(?:is|are) in|details (?:in|on|at)|see the"
    r"|(?:mentioned|listed|specified|described|given|named|written|stated) (?:in|on|at|by)|as (?:in|per)"
    r"|laut|gemäß|findest du|steht in|selon|d'après|según|indicado en|secondo|indicato in|de acordo com|conforme"
    r"|volgens)\b",
    re.IGNORECASE,
)
_TOKENS: Final = re.compile(r"[^\W\d_][\w'-]*")


def asks_for(tool: str, request: str) -> bool:
    """Tell whether ``request`` asks for the deed that is in the name of ``tool``."""
    said = request_words(request)
    return any(_said(stem, said) for stem in _stems_of(tool))


def hands_over(request: str) -> bool:
    """Tell whether a request says to do what stands elsewhere: its tasks, its instructions."""
    return _HANDS_OVER.search(request[:65_536]) is not None


def points_to(request: str) -> bool:
    """Tell whether a request says that values are to be taken from a source."""
    return _POINTS_TO.search(request[:65_536]) is not None


def request_words(request: str) -> frozenset[str]:
    """Return the words of a request, lower case; of those that are a thing more often than a deed only the deeds."""
    text = request.casefold()[:65_536]
    words = {word for word in _TOKENS.findall(text) if not word.startswith(_THINGS)}
    return frozenset(words | set(_DONE.findall(text)))


def _said(stem: str, said: Iterable[str]) -> bool:
    return any(word.startswith(stem) and len(word) - len(stem) <= _ENDING for word in said)


@lru_cache(maxsize=4_096)
def _stems_of(tool: str) -> frozenset[str]:
    words = words_of(tool)
    verbs = [word for word in words if word in _DEEDS]
    # The first word that can only be a verb: `delete_email` deletes, `message_send` sends.
    verb = next((word for word in verbs if word not in _NOUNS), verbs[0] if verbs else "")
    deeds = {_DEEDS[verb]} if verb else set[str]()
    if "send" in deeds and _MONEY.intersection(words):
        deeds.add("pay")
    if not deeds:  # nothing is known of its verb: its own words, where they say something
        return frozenset(word for word in words if len(word) >= _ENDING and word not in _EMPTY)
    return frozenset(stem for deed in deeds for stem in _STEMS[deed].split())
