"""The first start of a data directory: a tenant, keys, a starter catalogue, and two keys printed once.

- Nothing that is there is touched: a second start finds everything and says nothing.
- Both keys lie in files of mode 0600; only their hashes are kept elsewhere.
- The first owner of the console adds a passkey by a link that is printed once and good for a quarter of an hour;
  ``ostiary console invite user:owner`` makes another.
"""

import os
from pathlib import Path
from typing import Final

from ostiary.keys.files import write_private
from ostiary.server.admins import EVERY_TENANT
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.peps import NewPep, register
from ostiary.server.places import DEFAULT_TENANT, FIRST_OWNER, FIRST_PEP, FirstKeys, Places
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import party_of
from ostiary.server.wiring import House

STARTER_CATALOGUE: Final = """\
# What your resources are worth and who your subjects are. Ostiary reads this file again when it changes.
# sensitivity: 0 public, 1 internal, 2 confidential, 3 secret, 4 crown jewels

resources:
  - {type: document, id: handbook, sensitivity: 0}
  - {type: repository, id: "*", sensitivity: 2}
  - {type: database, id: staging, sensitivity: 2}
  - {type: database, id: production, sensitivity: 4, critical: true, labels: [production]}

subjects:
  - {type: user, id: alice, groups: [developers]}
  - {type: user, id: bob, groups: [operators]}

actions: [read, write, query, delete]
"""


def bootstrap(house: House) -> FirstKeys | None:
    """Make what a fresh data directory needs; return its keys, or ``None`` when it was not fresh."""
    places = house.places
    if house.settings.signals.catalogue is None:
        _starter_catalogue(places)
    if places.admin_key.exists() or house.store.snapshots.all(EVERY_TENANT, "admin_key"):
        return None
    admin_key = house.admins.create(EVERY_TENANT)
    write_private(places.admin_key, (admin_key + "\n").encode())
    pep_key = ""
    if house.store.peps.find(FIRST_PEP) is None:
        pep_key = register(house, NewPep(pep_id=FIRST_PEP, tenant=DEFAULT_TENANT, subjects="asserted")).api_key
        write_private(places.pep_key, (pep_key + "\n").encode())
    return FirstKeys(pep_key, admin_key, _first_owner(house))


def _first_owner(house: House) -> str:
    """Enter the first person of the console; return the link by which it adds its passkey, if there is a console."""
    if not house.settings.console.enabled or party_of(house.settings) is None:
        return ""
    enter(house, DEFAULT_TENANT, FIRST_OWNER, ("owner",), COMMAND_LINE, deployment=True)
    return invite(house, DEFAULT_TENANT, FIRST_OWNER, COMMAND_LINE).url


def _starter_catalogue(places: Places) -> None:
    path = places.catalogue(DEFAULT_TENANT)
    if path.exists() or path.parent.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True)
    _write_new(path, STARTER_CATALOGUE)


def _write_new(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
