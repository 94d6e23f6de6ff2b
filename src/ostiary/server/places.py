"""Where everything lies in the data directory.

>>> from pathlib import Path
>>> Places(Path("/srv/ostiary")).database
PosixPath('/srv/ostiary/ostiary.db')
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from ostiary.vocabulary.ids import check_tenant

VARIABLE: Final = "OSTIARY_DATA"
DEFAULT: Final = Path(".ostiary")
DEFAULT_TENANT: Final = "default"
FIRST_PEP: Final = "pep-1"
FIRST_OWNER: Final = "user:owner"


class FirstKeys(msgspec.Struct, frozen=True):
    """The keys of a fresh data directory, shown once, and the link by which its first owner adds a passkey."""

    pep_key: str
    admin_key: str
    owner_link: str = ""


class Places(msgspec.Struct, frozen=True):
    """The folders and files of one data directory."""

    root: Path

    @property
    def settings(self) -> Path:
        """The configuration file."""
        return self.root / "ostiary.toml"

    @property
    def database(self) -> Path:
        """The SQLite file with log, tenants, enforcement points and sessions."""
        return self.root / "ostiary.db"

    @property
    def keys(self) -> Path:
        """The folder of signing keys and of the vault."""
        return self.root / "keys"

    @property
    def spool(self) -> Path:
        """The folder for objects on their way into a store, mode 0700."""
        return self.root / "spool"

    @property
    def retired(self) -> Path:
        """The mark of a directory that a restored one has taken the place of; it is never opened again."""
        return self.root / "retired"

    def bundle(self, tenant: str) -> Path:
        """The folder of a tenant's own policy bundle; it may be absent."""
        return self.root / "bundles" / check_tenant(tenant)

    def model(self, tenant: str) -> Path:
        """The folder of a tenant's own risk model; it may be absent."""
        return self.root / "models" / check_tenant(tenant)

    def shadow(self, tenant: str) -> Path:
        """The folder of a tenant's candidates, ``model`` and ``bundle``; it may be absent."""
        return self.root / "shadow" / check_tenant(tenant)

    def golden(self, tenant: str) -> Path:
        """The folder of a tenant's golden attacks; it may be absent."""
        return self.root / "golden" / check_tenant(tenant)

    @property
    def registry(self) -> Path:
        """The folder of the registry of models: uploads, and files where no object store keeps them."""
        return self.root / "registry"

    @property
    def people(self) -> Path:
        """The folder of who may approve, validate and build models, ``TENANT.yaml``; it may be absent."""
        return self.root / "trust" / "people"

    def playbooks(self, tenant: str) -> Path:
        """The folder of a tenant's own playbooks; it may be absent."""
        return self.root / "playbooks" / check_tenant(tenant)

    def catalogue(self, tenant: str) -> Path:
        """A tenant's own catalogue; it may be absent."""
        return self.root / "catalogue" / f"{check_tenant(tenant)}.yaml"

    def history(self, tenant: str) -> Path:
        """A tenant's imported history, one access event a line; it may be absent."""
        return self.root / "events" / f"{check_tenant(tenant)}.jsonl"

    def quarantine(self, tenant: str) -> Path:
        """The folder of a tenant's refused batches of events; it may be absent."""
        return self.root / "events" / f"{check_tenant(tenant)}.quarantine"

    @property
    def pep_key(self) -> Path:
        """The file with the first enforcement point's API key, mode 0600."""
        return self.root / "pep.key"

    @property
    def admin_key(self) -> Path:
        """The file with the first administrator's key, mode 0600."""
        return self.root / "admin.key"


def data_dir(given: Path | None) -> Path:
    """Return the data directory: the one given, else that of ``OSTIARY_DATA``, else ``./.ostiary``."""
    return given or Path(os.environ.get(VARIABLE) or DEFAULT)
