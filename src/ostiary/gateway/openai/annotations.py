"""What an application says of where a message comes from: ``"ostiary": {…}`` beside its content.

It only makes a label stricter: data or a tool's words instead of the asker's own, less trusted, more confidential,
another tenant's. An operator's message that is said to be data is data.

>>> told = Label(Channel.USER, "default", integrity=Integrity.ASKER)
>>> annotated(told, {"document": "crm/7", "confidentiality": 3}, "messages[0]").confidentiality
3
"""

from typing import Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.labels import Channel, Integrity, Label

INVALID: Final = "label_invalid"
Name = msgspec.Meta(max_length=256)


class Annotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be told of a message or part; what is left out changes nothing."""

    channel: Literal["data", "tool"] | None = None
    document: str = ""
    tool: str = ""
    principal: str = ""
    tenant: str = ""
    confidentiality: int = 0
    trusted: bool = True


def annotated(label: Label, told: Any, place: str) -> Label:
    """Return ``label`` with what was told of it.

    Raises:
        FaultyInputError: ``label_invalid``.
    """
    if told is None:
        return label
    try:
        said = msgspec.convert(told, Annotation)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"the label is malformed: {fault}", f"{place}.ostiary") from None
    texts = (said.document, said.tool, said.principal, said.tenant)
    if any(len(text) > 256 or not text.isprintable() for text in texts) or not 0 <= said.confidentiality <= 4:  # noqa: PLR2004
        raise FaultyInputError(
            INVALID, "names have at most 256 characters, confidentiality is 0 to 4", f"{place}.ostiary"
        )
    channel = Channel(said.channel) if said.channel else Channel.DATA if said.document else label.channel
    integrity = label.integrity if said.trusted and channel is label.channel else Integrity.UNTRUSTED
    return Label(
        channel=channel,
        tenant=said.tenant or label.tenant,
        principal=said.principal or label.principal,
        integrity=min(label.integrity, integrity),
        confidentiality=max(label.confidentiality, said.confidentiality),
        document=said.document or label.document,
        tool=said.tool or label.tool,
        uninspected=label.uninspected,
    )
