"""A person is forgotten in every room at once: one way for the API and for the command line."""

from ostiary.audit.erasure import Erased
from ostiary.audit.subjects import SubjectAdmin
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.wiring import House


def forget(house: House, tenant: str, kind: str, name: str) -> Erased:
    """Destroy a subject's key, and erase what every room keeps of it; proofs of its records stay valid."""
    # Imported here: it takes half a second that verbs which only list need not wait for.
    from ostiary.server.signalling import forget_subject  # noqa: PLC0415

    subject = f"{kind}:{name}"
    house.conversations.forget(tenant, subject)  # first: if the log cannot be written, nothing was forgotten
    if house.behaviour is not None:
        house.behaviour.sink.erase(tenant, subject)
    house.templates.forget(tenant, subject)
    erased = SubjectAdmin(house.log, house.clock).erase(tenant, subject)
    follow_erasures(house.log, house.store.decisions)
    house.ledger.erase_subject(tenant, subject, at_ns=house.clock.now_ns())
    house.devices.forget_subject(tenant, subject, house.clock.now_ns())
    house.session_memory.forget(tenant, subject, house.clock.now_ns())
    house.drift.forget(tenant, subject)
    house.store.cards.erase_subject(tenant, subject)
    house.store.authenticators.remove_all(tenant, subject)
    house.access.book.forget_subject(tenant, subject)
    house.glass.book.forget_subject(tenant, subject, house.clock.now_ns())
    house.knowledge.forget(tenant, kind, name, house.store.snapshots)
    forget_subject(house, tenant, subject)
    return erased
