"""Where a piece of a conversation comes from, and what may become of it: labels, and how they join.

- A label is a fact about where content came from, never a judgement of what it says; joining only ever tightens.
- Integrity joins to the least trusted, confidentiality to the most confidential, ``uninspected`` sticks.

>>> mail = Label(Channel.DATA, "default", integrity=Integrity.UNTRUSTED, document="inbox/7")
>>> asked = Label(Channel.USER, "default", principal="ada", confidentiality=2)
>>> joined = join("default", (mail, asked))
>>> joined.untrusted, joined.confidentiality, joined.documents
(True, 2, ('inbox/7',))
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import Final

import msgspec

MAX_DOCUMENTS: Final = 256


class Channel(StrEnum):
    """How content reached the model."""

    OPERATOR = "operator"  # who wrote the application: system and developer messages
    USER = "user"  # the verified asker
    DATA = "data"  # retrieved documents, attachments, pages
    TOOL = "tool"  # what a tool answered


class Integrity(IntEnum):
    """Who could have written it."""

    UNTRUSTED = 0  # anybody outside
    ASKER = 1  # the verified asker
    TRUSTED = 2  # the operator, or a tool that reads only what the organisation wrote


class Label(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where one content part comes from.

    Attributes:
        channel: how it came.
        tenant: whose it is.
        principal: who wrote it, as far as that is known.
        integrity: who could have written it.
        confidentiality: 0 public … 4 crown jewels, the scale of a resource's sensitivity.
        document: id of the document, where it is one.
        tool: name of the tool that answered, where one did.
        uninspected: nobody could look inside (images, audio, files).
    """

    channel: Channel
    tenant: str
    principal: str = ""
    integrity: Integrity = Integrity.UNTRUSTED
    confidentiality: int = 0
    document: str = ""
    tool: str = ""
    uninspected: bool = False


class SessionLabel(msgspec.Struct, frozen=True, omit_defaults=True):
    """What all content of a session joins to.

    Attributes:
        tenant: whose session it is.
        untrusted: something in it could have been written by anybody.
        confidentiality: of the most confidential part.
        uninspected: some part could not be looked into.
        foreign: some part belongs to another tenant; nothing may come of such a session.
        documents: ids of the documents in it, in order, at most ``MAX_DOCUMENTS``.
        more_documents: there were more than that.
    """

    tenant: str
    untrusted: bool = False
    confidentiality: int = 0
    uninspected: bool = False
    foreign: bool = False
    documents: tuple[str, ...] = ()
    more_documents: bool = False


def join(tenant: str, labels: Iterable[Label], before: SessionLabel | None = None) -> SessionLabel:
    """Return the join of ``labels`` with what the session was ``before``; it never loosens."""
    joined = before or SessionLabel(tenant)
    for label in labels:
        joined = _with(joined, label)
    return joined


def _with(joined: SessionLabel, label: Label) -> SessionLabel:
    documents, more = joined.documents, joined.more_documents
    if label.document and label.document not in documents:
        fits = len(documents) < MAX_DOCUMENTS
        documents, more = ((*documents, label.document), more) if fits else (documents, True)
    return SessionLabel(
        tenant=joined.tenant,
        untrusted=joined.untrusted or label.integrity is Integrity.UNTRUSTED,
        confidentiality=max(joined.confidentiality, label.confidentiality),
        uninspected=joined.uninspected or label.uninspected,
        foreign=joined.foreign or label.tenant != joined.tenant,
        documents=documents,
        more_documents=more,
    )
