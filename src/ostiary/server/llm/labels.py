"""The label of a session: as policy sees it, and as two of them join."""

from typing import Any

from ostiary.vocabulary.labels import SessionLabel


def label_document(label: SessionLabel) -> dict[str, Any]:
    """Return a label as policy sees it: every member, also those that say nothing."""
    return {
        "untrusted": label.untrusted,
        "confidentiality": label.confidentiality,
        "uninspected": label.uninspected,
        "foreign": label.foreign,
        "documents": list(label.documents),
        "more_documents": label.more_documents,
    }


def stricter(one: SessionLabel, other: SessionLabel) -> SessionLabel:
    """Return what two labels of sessions join to."""
    return SessionLabel(
        tenant=one.tenant,
        untrusted=one.untrusted or other.untrusted,
        confidentiality=max(one.confidentiality, other.confidentiality),
        uninspected=one.uninspected or other.uninspected,
        foreign=one.foreign or other.foreign or other.tenant != one.tenant,
        documents=tuple(dict.fromkeys((*one.documents, *other.documents)))[:256],
        more_documents=one.more_documents or other.more_documents,
    )
