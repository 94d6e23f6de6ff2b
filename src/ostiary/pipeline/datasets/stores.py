"""Opens the store of a dataset and remembers it while the dataset's spec stays the same.

- Every setting that obstore would otherwise take from the environment and that decides where a request goes, or as
  whom, is given here.
- Plain HTTP only to an endpoint that the settings name with ``http://``.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.pipeline.datasets.credentials import Secrets, check_reference, read_secrets
from ostiary.pipeline.datasets.local import LocalObjects
from ostiary.pipeline.datasets.places import Place, Where, place_of
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.spec import DatasetSpec

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, MemoryStore, S3Store

MAX_OPEN: Final = 256
_CLIENT: Final = {"timeout": "60s", "connect_timeout": "5s"}
_RETRY: Final[dict[str, Any]] = {"max_retries": 2}


class Stores:
    """Open stores by tenant and spec."""

    def __init__(
        self,
        where: Where,
        spool: Path,
        *,
        secrets: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Take where datasets may lie, a private folder for what comes in, and where secrets are kept."""
        self._where = where
        self._spool = spool
        self._secrets = secrets
        self._environ = environ
        self._memory: dict[tuple[str, str], MemoryStore] = {}
        self._open: OrderedDict[tuple[str, bytes], Objects] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, spec: DatasetSpec) -> Place:
        """Return where a dataset lies; nothing is opened.

        Raises:
            FaultyInputError: ``dataset_store_refused``, ``dataset_credentials_invalid``.
        """
        check_reference(spec.credentials)
        return place_of(spec.store, spec.endpoint, spec.region, self._where)

    def objects(self, tenant: str, spec: DatasetSpec) -> Objects:
        """Return the objects of a dataset.

        Raises:
            FaultyInputError, UnavailableError: it cannot be opened.
        """
        place = self.check(spec)  # anew each time: a folder may have become a link since it was registered
        key = (tenant, msgspec.json.encode(spec))
        with self._lock:
            found = self._open.get(key)
            if found is None:
                found = self._opened(tenant, spec, place)
                self._open[key] = found
                if len(self._open) > MAX_OPEN:
                    self._open.popitem(last=False)
            else:
                self._open.move_to_end(key)
            return found

    def _opened(self, tenant: str, spec: DatasetSpec, place: Place) -> Objects:
        if place.kind == "file":
            return LocalObjects(Path(place.container), spec.prefix)
        try:
            from ostiary.pipeline.datasets.remote import RemoteObjects, faults  # noqa: PLC0415 - an extra
        except ImportError as fault:
            raise UnavailableError("obstore_missing", "obstore is missing: install `ostiary[pipeline]`") from fault
        if place.kind == "memory":
            return RemoteObjects(self._in_memory(tenant, place.container), spec.prefix, self._spool)
        with faults():
            secrets = read_secrets(spec.credentials, self._environ, self._secrets)
            return RemoteObjects(_OPENERS[place.kind](place, secrets, _client(place)), spec.prefix, self._spool)

    def _in_memory(self, tenant: str, name: str) -> "MemoryStore":
        from obstore.store import MemoryStore  # noqa: PLC0415 - an extra

        # By tenant: the same name in another tenant is another store.
        return self._memory.setdefault((tenant, name), MemoryStore())


def _client(place: Place) -> Any:
    return {**_CLIENT, "allow_http": place.custom and place.url.startswith("http://")}


def _s3(place: Place, secrets: Secrets, client: Any) -> "S3Store":
    from obstore.store import S3Store  # noqa: PLC0415 - an extra

    given = secrets.take("access_key_id", "secret_access_key", "session_token")
    config: Any = {
        "endpoint": place.url,
        "region": place.region,
        "virtual_hosted_style_request": False,
        "skip_signature": not given,
        "imdsv1_fallback": False,
        "conditional_put": "etag",
        **given,
    }
    return S3Store(
        place.container,
        config=config,
        client_options=client,
        retry_config=_RETRY,  # type: ignore[arg-type] # a part of it
    )


def _gcs(place: Place, secrets: Secrets, client: Any) -> "GCSStore":
    from obstore.store import GCSStore  # noqa: PLC0415 - an extra

    given = secrets.take("service_account_key")
    config: Any = {"base_url": place.url, "skip_signature": not given, **given}
    return GCSStore(place.container, config=config, client_options=client, retry_config=_RETRY)  # type: ignore[arg-type]


def _azure(place: Place, secrets: Secrets, client: Any) -> "AzureStore":
    from obstore.store import AzureStore  # noqa: PLC0415 - an extra

    given = secrets.take("account_key", "sas_token")
    config: Any = {
        "account_name": place.account,
        "endpoint": place.url,
        "skip_signature": not given,
        "use_emulator": False,
        "use_azure_cli": False,
        **given,
    }
    return AzureStore(place.container, config=config, client_options=client, retry_config=_RETRY)  # type: ignore[arg-type]


_OPENERS: Final[dict[str, Callable[[Place, Secrets, Any], Any]]] = {"az": _azure, "gs": _gcs, "s3": _s3}
