"""Which class an action belongs to, told by the verb in its name; whatever the product, people name alike.

Rules:
- The last part of a dotted or colon-separated name counts (``s3:GetObject``, ``storage.objects.get``), its first word
  or its second word is the verb (``get``, ``can_read``); camel case, snake case and plain words are all understood.
- A change to people, roles, keys or rules is ``admin``, whatever the verb of change.
- What is not understood stays ``other``: nothing is guessed to be harmless.

>>> [str(class_of(name)) for name in ("s3:GetObject", "AttachRolePolicy", "list_tables", "DROP TABLE", "frobnicate")]
['read', 'admin', 'list', 'delete', 'other']
"""

import re
from functools import lru_cache
from typing import Final

from ostiary.vocabulary.events import ActionClass

_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CACHE: Final = 16_384
_MAX_TEXT: Final = 256
_VERBS: Final[dict[ActionClass, str]] = {
    ActionClass.ADMIN: "approve assign attach authorize bind detach disable elevate enable escalate grant impersonate "
    "reset revoke stop suspend unassign",
    ActionClass.AUTHENTICATE: "assume authenticate login logon logout signin signon",
    ActionClass.DELETE: "delete deletecollection destroy drop erase purge remove terminate truncate unlink wipe",
    ActionClass.EXPORT: "archive backup clone copy download dump export fetch pull replicate share unload",
    ActionClass.LIST: "describe discover enumerate find head list lookup ls scan search watch",
    ActionClass.READ: "batchget check decrypt get inspect open preview query read retrieve select show test view",
    ActionClass.WRITE: "add append apply assemble commit create encrypt exec execute import insert invoke load merge "
    "modify move patch post publish push put rename replace restore run send set start submit sync tag train "
    "transfer untag update upload upsert write",
}
_CLASS_OF: Final = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
_POWER_WORDS: Final = (
    "accesskey acl admin credential detector grant group keypair logging member membership mfa permission permissions "
    "policy privilege profile role rolebinding saml secret trail user users"
)
_POWERS: Final = frozenset(_POWER_WORDS.split())
_LOGINS: Final = frozenset({"consolelogin", "getfederationtoken", "getsessiontoken", "userloggedin", "userloginfailed"})
_CHANGES: Final = (ActionClass.WRITE, ActionClass.DELETE)


@lru_cache(maxsize=_CACHE)
def class_of(action: str) -> ActionClass:
    """Return the class of ``action``; cached, pure."""
    last = re.split(r"[:./]", action[:_MAX_TEXT].strip())[-1]
    words = [word.lower() for word in _WORDS.findall(last)]
    if not words:
        return ActionClass.OTHER
    joined = "".join(words)
    if joined in _LOGINS or joined.startswith(("assumerole", "login", "signin", "switchrole")):
        return ActionClass.AUTHENTICATE
    kind = next((_CLASS_OF[word] for word in words[:2] if word in _CLASS_OF), ActionClass.OTHER)
    if kind in _CHANGES and (not _POWERS.isdisjoint(words) or "accesskey" in joined or "loginprofile" in joined):
        return ActionClass.ADMIN
    return kind
