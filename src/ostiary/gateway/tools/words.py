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
    "send": "send sent email e-mail mail message write wrote tell reply respond answer forward notify inform contact dm text let"
    " schick send sende schreib antwort mail benachrichtig teil envoi envoy écri répond transmet préven enví env escrib respond"
    " reenví avis manda invia scriv rispond inoltr envi escrev respond encaminh stuur verstuur schrijf antwoord mail",
    "post": "post publish upload tweet share comment announce write reply veröffentlich poste publi partag compart pubblic condivid"
    " plaats deel submit send put",
    "pay": "pay paid send transfer refund wire repay settle reimburse donate bezahl überweis zahl erstatt paie paye vire virer"
    " rembours pag transfier transfer reembols paga bonific rimbors transf betaal maak overmak",
    "change": "change update modify edit adjust set rename reschedul move correct replace fix alter amend switch ändere änder"
    " aktualisier verschieb anpass setz chang modifi actualis déplac met cambi modific actualiz muev ajust modific aggiorn spost"
    " alter mud atualiz wijzig verander bijwerk verplaats",
    "create": "creat make add new schedul set-up setup set write draft generat put remind remember plan save note register open"
    " erstell leg trag plane anleg erzeug merk crée créer crea ajout planifi rappel cre añad agend program recuérd aggiung"
    " pianific ricord cri adicion marc lembr maak voeg plan herinner toe",
    "add": "add append insert includ put join attach invit extend complete füge hinzu trag ergänz ajout inclu añad agreg inclu"
    " aggiung inser adicion acrescent voeg toevoeg",
    "remove": "delet remov eras drop cancel clear clean trash unsubscrib kick ban revok purg discard archiv lösch entfern storni"
    " supprim effac annul enlèv elimin borr quit cancel cancell rimuov elimin apag remov verwijder wis annuleer",
    "book": "book reserv order buy purchas rent get buch reservier bestell kauf miet réserv achet commande lou reserv compr"
    " alquil prenot acquist ordin noleggi reserv compr alug boek reserveer koop bestel huur",
    "invite": "invit add einlad lade invit añad convid uitnodig nodig",
    "share": "share access grant permission send invit teil freigab freigeb partag donn compart condivid deel",
    "run": "run execut launch start deploy call trigger stop restart install führ start lanc exécut ejecut inici esegui avvi"
    " execut inici voer start draai",
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
_MONEY: Final = frozenset({"money", "payment", "transaction", "funds", "transfer", "invoice"})
_ENDING: Final = 4  # letters that a stem may grow by: pay, payment
_EMPTY: Final = frozenset({"tool", "data", "item", "with", "from", "into", "this", "that", "user", "info"})
_TOKENS: Final = re.compile(r"[^\W\d_][\w'-]*")


def asks_for(tool: str, request: str) -> bool:
    """Tell whether ``request`` asks for the deed that is in the name of ``tool``."""
    said = request_words(request)
    return any(_said(stem, said) for stem in _stems_of(tool))


def request_words(request: str) -> frozenset[str]:
    """Return the words of a request, lower case."""
    return frozenset(_TOKENS.findall(request.casefold()[:65_536]))


def _said(stem: str, said: Iterable[str]) -> bool:
    return any(word.startswith(stem) and len(word) - len(stem) <= _ENDING for word in said)


@lru_cache(maxsize=4_096)
def _stems_of(tool: str) -> frozenset[str]:
    words = words_of(tool)
    deeds = {_DEEDS[word] for word in words if word in _DEEDS}
    if "send" in deeds and _MONEY.intersection(words):
        deeds.add("pay")
    if not deeds:  # nothing is known of its verb: its own words, where they say something
        return frozenset(word for word in words if len(word) >= _ENDING and word not in _EMPTY)
    return frozenset(stem for deed in deeds for stem in _STEMS[deed].split())
