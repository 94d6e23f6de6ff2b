"""One random secret a tenant, for keyed hashes: in private files, made on first use, erased with the tenant.

>>> import tempfile
>>> from pathlib import Path
>>> secrets = TenantSecrets(Path(tempfile.mkdtemp()) / "masks")
>>> secrets.of("default") == secrets.of("default"), len(secrets.of("acme"))
(True, 32)
"""

import threading
from pathlib import Path

from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.keys.hashing import SECRET_BYTES, random_bytes
from ostiary.vocabulary.ids import check_tenant


class TenantSecrets:
    """Secrets in a folder, by tenant; safe for several threads and processes."""

    def __init__(self, directory: Path) -> None:
        """Use ``directory``; it is made when the first secret is."""
        self._directory = directory
        self._known: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def of(self, tenant: str) -> bytes:
        """Return a tenant's secret.

        Raises:
            RefusedError: ``key_permissions``.
            UnavailableError: ``key_unavailable``.
        """
        with self._lock:
            if tenant not in self._known:
                self._known[tenant] = self._read(check_tenant(tenant))
            return self._known[tenant]

    def erase(self, tenant: str) -> None:
        """Destroy a tenant's secret; what was hashed with it can be linked with nothing new."""
        with self._lock:
            self._known.pop(tenant, None)
            if self._directory.is_dir():
                erase(self._directory / f"{check_tenant(tenant)}.key")

    def _read(self, tenant: str) -> bytes:
        folder = private_folder(self._directory)
        path = folder / f"{tenant}.key"
        with locked(folder):
            if not path.exists():
                write_private(path, random_bytes(SECRET_BYTES))
            return read_private(path)
