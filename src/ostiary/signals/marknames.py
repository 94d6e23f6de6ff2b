"""What the name of a field tells of the value below it: what on and off mean there, and how its text is to be read.

Rules:
- Pure and cached; the words are those of ``deedwords`` and a few that only settings use.
- A name like ``status`` or ``enabled`` tells nothing by itself: it is read together with the name above it.

>>> [(need, str(mark)) for need, mark in name_of("enableFlowLogs").off]
[('alters', 'hides_traces')]
"""

from functools import lru_cache
from typing import Final

import msgspec

from ostiary.signals.deeds import deed_of, words_of
from ostiary.signals.deedwords import wordset
from ostiary.vocabulary.facts import Mark

_CACHE: Final = 16_384
_LONGEST: Final = 96
GENERIC: Final = wordset("status state enabled enable value mode setting level type name new newvalue")
STATES: Final = GENERIC | {"changedescription", "configvalue", "workspaceconfvalues", "settingvalue"}
_OLD: Final = wordset(
    "old oldvalue oldvalues previous previousvalue previousvalues before preaction pre prior original"
)
_ACTORS: Final = wordset(
    "useridentity sessioncontext sessionissuer actor initiatedby createdby claims authenticationinfo user sender "
    "authentication auth identity tokenclaims impersonateduser"
)
_LOOSE: Final = wordset(
    "skip disable disabled bypass insecure without ignore unsafe allow allowed permit exempt optional"
)
_GUARDS: Final = wordset(
    "enforce enforced require required encrypted protected block blocked guard secure secured passcode password "
    "verify verification approval restrict restricted lock locked sign waiting prevent include minimum"
)
_OPEN: Final = wordset("public anonymous external everyone anyone guest publicly internet open unauthenticated shared")
_VISIBILITY: Final = wordset("visibility acl access accesslevel accesstype sharing cannedacl xamzacl privacy grantee")
_CLOSES: Final = wordset("block restrict prevent ignore")
_RISKY: Final = wordset(
    "suspicious malicious anomalous risky threat compromised flagged fraud spam phishing malware virus infected "
    "quarantined leaked"
)
_RISK: Final = wordset("level score state aggregated")
_SEVERITY: Final = wordset("severity severityname severitylabel threatseverity alertseverity")
_THREATS: Final = wordset("malware phish phishing impostor threat anomaly fraud abuse severity danger spam")
_PRESENT: Final[dict[str, Mark]] = {"impersonateduser": Mark.ASSUMES_ROLE, "ephemeralcontainers": Mark.INTERACTIVE}
_UNLOCKS: Final = wordset("decryption decrypt decrypted plaintext unmasked")
_HOST: Final = wordset("hostpid hostipc hostnetwork privileged allowprivilegeescalation")
_FACTORS: Final = wordset(
    "mfaauthenticated mfaused ismfa mfa usedmfa mfaenabled secondfactor mfaregistered multifactorauthentication "
    "is2svenrolled issecondfactor twofactor usermfa mfaverified"
)
_SENDS: Final = ("forward", "redirect", "webhook", "destination", "sinkname", "deliverto", "targeturl", "callbackurl")
_PRIVATE: Final = wordset("private isprivate repositoryprivate")
_PUBLIC: Final = wordset("publicrepo ispublic repositorypublic")
_READINGS: Final[dict[str, frozenset[str]]] = {
    "agent": wordset(
        "useragent callersupplieduseragent ua rawuseragent browser clienttype reportedclienttype clientapplicationid"
    ),
    "command": wordset(
        "commandline cmdline command query querytext statement sql path uri url imagefilename processname filepath "
        "filename script scriptcontent args arguments argv newprocessname requesturi clientrequestpath "
        "clientrequesturi clientrequestquery querystring processcmdline commands "
        "program bundleid requesturl targetfilename newfilename userdata processpath cmd exec"
    ),
    "destination": wordset(
        "dstaddr dstip destip destinationip destinationaddress remoteaddressip4 destinationipaddress destaddress"
    ),
    "domain": wordset("domainname queryname domain query rrname hostname"),
    "parent": wordset("parentbasefilename parentprocessname parentimagefilename parentcommandline parentname"),
    "path": wordset("path hostpath mountpath"),
    "person": wordset(
        "username targetusername targetuser useremail targetuseremail userid targetuserid targetemail targetlogin"
    ),
    "power": wordset("arn policyarn"),
    "principal": wordset(
        "principal principals member members grantee granteename aws users group groups subject "
        "subjects userids usergroup identity federated service targetdomain"
    ),
    "prose": wordset(
        "body title message name description ref label comment pagename headbranch branch displaytitle email subject"
    ),
    "rights": wordset("action actions verbs resource resources permissions scopes notaction"),
    "source": wordset(
        "sourceipaddress useragent invokedby principalemail caller username callersupplieduseragent identity userid"
    ),
}  # each reading is a function of ``markchecks``

Consequence = tuple[str, Mark]
"""What the action must be able to do (``any``, ``gives``, ``alters``, ``enters``), and the mark that follows."""


class Name(msgspec.Struct, frozen=True, gc=False):
    """What the name of a field tells.

    Attributes:
        key: the name itself.
        generic: it tells nothing without the name above it.
        skip: neither it nor what is below it counts (what was before, and what a pipeline added under ``p_…``).
        actor: below it is who acts.
        state: it names a state without saying of what.
        on, off: what on and off below it mean.
        present: the mark that its mere presence gives.
        readings: how a text below it is read, names of ``markchecks``.
    """

    key: str
    generic: bool
    skip: bool
    actor: bool
    state: bool
    on: tuple[Consequence, ...]
    off: tuple[Consequence, ...]
    readings: tuple[str, ...]
    present: Mark | None = None


def bare_of(key: str) -> str:
    """Return the letters and digits of a name in lower case."""
    return "".join(each for each in key.lower() if each.isalnum())


def name_of(key: str) -> Name:
    """Return what the name of a field tells; cached, pure. The last 96 characters count, and no more is kept."""
    return _name_of(key[-_LONGEST:])


@lru_cache(maxsize=_CACHE)
def _name_of(key: str) -> Name:
    words = frozenset(words_of(key))
    last = bare_of(key.rpartition(" ")[2])
    things = deed_of(key).things
    bare = bare_of(key)
    return Name(
        key=key,
        generic=bare in GENERIC or bare == "id",
        skip=key.startswith("p_") or bool({last, bare} & _OLD) or last.startswith(("old", "previous")),
        actor=bare in _ACTORS,
        state=last in STATES,
        on=_on(words, last, things),
        off=_off(words, last, things),
        readings=_readings(words, last, things),
        present=_PRESENT.get(last),
    )


def _on(words: frozenset[str], last: str, things: frozenset[str]) -> tuple[Consequence, ...]:
    loosens = not _LOOSE.isdisjoint(words)
    opens = not _OPEN.isdisjoint(words) and _CLOSES.isdisjoint(words)
    found = (
        (last in _HOST, ("any", Mark.ESCAPES)),
        (not _UNLOCKS.isdisjoint(words), ("any", Mark.READS_SECRET)),
        (last == "defaultaction", ("gives", Mark.MAKES_PUBLIC)),
        (not _RISKY.isdisjoint(words), ("any", Mark.FLAGGED)),
        (last in _PUBLIC, ("any", Mark.ON_PUBLIC)),
        (opens and last not in _PUBLIC, ("gives", Mark.MAKES_PUBLIC)),
        (_guards(words, things), ("alters", Mark.PROTECTS)),
        (loosens, ("alters", Mark.DISABLES_PROTECTION)),
    )
    return tuple(consequence for holds, consequence in found if holds)


def _off(words: frozenset[str], last: str, things: frozenset[str]) -> tuple[Consequence, ...]:
    traces = _LOOSE.isdisjoint(words) and "trace" in things
    found = (
        (last in _FACTORS, ("enters", Mark.WEAK_LOGIN)),
        (last in _PRIVATE, ("any", Mark.ON_PUBLIC)),
        (traces, ("alters", Mark.HIDES_TRACES)),
        (_guards(words, things), ("alters", Mark.DISABLES_PROTECTION)),
    )
    return tuple(consequence for holds, consequence in found if holds)


def _risks(words: frozenset[str], last: str) -> bool:
    """Return whether a level or score of risk, or of a threat, is below a name."""
    if "risk" in words:
        return last == "risk" or not _RISK.isdisjoint(words)
    return "score" in words and not _THREATS.isdisjoint(words)


def _guards(words: frozenset[str], things: frozenset[str]) -> bool:
    return _LOOSE.isdisjoint(words) and ("protection" in things or not _GUARDS.isdisjoint(words))


def _readings(words: frozenset[str], last: str, things: frozenset[str]) -> tuple[str, ...]:
    found = {reading for reading, names in _READINGS.items() if last in names}
    more = {
        "power": not things.isdisjoint({"power", "chief"}),
        "opens": last in _VISIBILITY or (not _OPEN.isdisjoint(words) and _CLOSES.isdisjoint(words)),
        "risk": _risks(words, last),
        "severity": last in _SEVERITY,
        "port": "port" in words,
        "sends": any(word in last for word in _SENDS),
    }
    return tuple(sorted(found | {reading for reading, holds in more.items() if holds}))
