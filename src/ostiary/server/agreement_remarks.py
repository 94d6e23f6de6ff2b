"""What ``ostiary doctor`` says about people's agreement: who is alone, and what is open."""

from collections.abc import Iterator

from ostiary.approvals.glass import moment
from ostiary.server.wiring import House


def agreement_remarks(house: House, tenant: str) -> Iterator[tuple[str, str]]:
    """Yield what somebody should know of a tenant, and what to do about it.

    Raises:
        OstiaryError: what is stored is not what was signed, or cannot be read.
    """
    if not house.agreed.has_people(tenant):
        text = "it has named no people: one administrator alone changes policy, models, keys and administrators"
        yield text, "ostiary approvals people"
    now_ns = house.clock.now_ns()
    for one in house.glass.book.living(tenant):
        if now_ns < one.terms.until_ns:
            what, where = " and ".join(one.terms.replaces), " ".join(one.terms.resources)
            text = f"break-glass `{one.id}` replaces {what} on {where} until {moment(one.terms.until_ns)}"
            yield text, f"ostiary break-glass close {one.id} --tenant {tenant} --reason …"
