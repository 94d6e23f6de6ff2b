"""A person or a tenant is forgotten in every room at once: one way for the API, the command line and a restore."""

from ostiary.audit.erasure import Erased
from ostiary.audit.subjects import SubjectAdmin
from ostiary.server.console.forgetting import forget_console
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.wiring import House


def forget(house: House, tenant: str, kind: str, name: str) -> Erased:
    """Destroy a subject's key, and erase what every room keeps of it; proofs of its records stay valid."""
    # Imported here: it takes half a second that verbs which only list need not wait for.
    from ostiary.server.auditing.packing import remove_packs  # noqa: PLC0415
    from ostiary.server.signalling import forget_subject  # noqa: PLC0415

    subject = f"{kind}:{name}"
    house.conversations.forget(tenant, subject)  # first: if the log cannot be written, nothing was forgotten
    if house.behaviour is not None:
        house.behaviour.sink.erase(tenant, subject)
    house.templates.forget(tenant, subject)
    erased = SubjectAdmin(house.log, house.clock).erase(tenant, subject)
    follow_erasures(house.log, house.store.decisions)
    remove_packs(house.places, tenant)
    house.ledger.erase_subject(tenant, subject, at_ns=house.clock.now_ns())
    house.devices.forget_subject(tenant, subject, house.clock.now_ns())
    house.session_memory.forget(tenant, subject, house.clock.now_ns())
    house.drift.forget(tenant, subject)
    house.store.cards.erase_subject(tenant, subject)
    house.store.authenticators.remove_all(tenant, subject)
    forget_console(house, tenant, subject)
    house.access.book.forget_subject(tenant, subject)
    house.glass.book.forget_subject(tenant, subject, house.clock.now_ns())
    house.knowledge.forget(tenant, kind, name, house.store.snapshots)
    forget_subject(house, tenant, subject)
    return erased


def forget_tenant(house: House, tenant: str) -> Erased:
    """Delete a tenant: its keys are destroyed, its rows and files are gone; proofs of its records stay valid.

    Raises:
        RefusedError: ``tenant_unknown``.
        UnavailableError: the log cannot be written; then nothing was deleted.
    """
    # Imported here: it takes half a second that verbs which only list need not wait for.
    from ostiary.server.auditing.packing import remove_packs  # noqa: PLC0415
    from ostiary.server.biometrics.opening import forget_behaviour  # noqa: PLC0415
    from ostiary.server.conversations import forget_conversations  # noqa: PLC0415
    from ostiary.server.features import forget_features  # noqa: PLC0415
    from ostiary.server.training.runs import forget_runs  # noqa: PLC0415

    erased = house.tenants.delete(tenant)
    for key in house.admins.of_tenant(tenant):  # these lie beside the tenant's rows, and name its people
        house.admins.revoke(key.key_id)
    house.ledger.forget_tenant(tenant)  # before its rows go, or the next flush writes them anew
    house.rag.forget_tenant(tenant)
    house.store.forget_tenant(tenant)
    forget_conversations(house, tenant)
    forget_behaviour(house, tenant)
    forget_features(house, tenant)
    house.knowledge.forget_tenant(tenant)
    house.models.forget_tenant(tenant)
    house.approvals.room.forget(tenant)
    house.rollout.forget_tenant(tenant)
    forget_runs(house, tenant)
    remove_packs(house.places, tenant)
    return erased
