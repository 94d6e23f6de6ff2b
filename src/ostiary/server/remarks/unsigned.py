"""What is in force and signed by nobody: policy that lies in a folder, entries of a trust folder, loose catalogues."""

from collections.abc import Iterator
from typing import Final

from ostiary.server.remarks import Remark
from ostiary.server.wiring import House

_CHECK: Final = "unsigned"


def unsigned_remarks(house: House) -> Iterator[Remark]:
    """Yield what of each tenant decides without that anybody has signed or agreed to it."""
    for row in house.tenants.living():
        tenant = row.tenant
        people = house.agreed.has_people(tenant)
        if house.places.bundle(tenant).is_dir() and not people:
            text = f"the policy of `{tenant}` is whatever lies in its folder: nobody signed or agreed to it"
            yield Remark(_CHECK, text, f"ostiary approvals people --tenant {tenant}")
        if not people and house.places.playbooks(tenant).is_dir():
            text = f"the playbooks of `{tenant}` are whatever lies in their folder: nobody agreed to them"
            yield Remark(_CHECK, text, f"ostiary approvals people --tenant {tenant}")
    history = sorted(path.stem for path in (house.places.root / "events").glob("*.jsonl"))
    for tenant in history:
        if house.tenants.find(tenant) is not None and not house.store.producers.of_tenant(tenant):
            text = f"the imported history of `{tenant}` came from no producer with a key: nothing is learned from it"
            yield Remark(_CHECK, text, f"ostiary producer add NAME --tenant {tenant}")
