"""Opens the store of a dataset and remembers it while the dataset's spec stays the same.

- obstore takes settings from the environment as well, and some of them win over what is given under another name: so
  everything that decides where a request goes, or as whom, is given here under each of its names, and secrets through
  a provider. The server's own identity is never mixed with a dataset's.
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
_RETRY: Final[Any] = {"max_retries": 2}
_GOOGLE: Final = frozenset(
    {
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_BEARER_TOKEN",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
    }
)


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
        # All of its names are given: the environment's word for another of them would win.
        "endpoint": place.url,
        "aws_endpoint_url_s3": place.url,
        "region": place.region,
        "virtual_hosted_style_request": False,
        "skip_signature": not given,
        "conditional_put": "etag",
    }
    provider: Any = None
    if given:
        told = {"token": given.pop("session_token", None), "expires_at": None, **given}
        provider = lambda: told  # noqa: E731 - what a store takes its secrets from, whatever the environment holds
    return S3Store(
        place.container, config=config, client_options=client, retry_config=_RETRY, credential_provider=provider
    )


def _azure(place: Place, secrets: Secrets, client: Any) -> "AzureStore":
    from obstore.store import AzureStore  # noqa: PLC0415 - an extra

    given = secrets.take("account_key", "sas_token")
    config: Any = {
        "account_name": place.account,
        "endpoint": place.url,
        "skip_signature": not given,
        "use_emulator": False,
        "use_azure_cli": False,
    }
    provider: Any = None
    if given:
        key = {"access_key": given["account_key"]} if "account_key" in given else given
        told = {**key, "expires_at": None}
        provider = lambda: told  # noqa: E731 - as above
    return AzureStore(
        place.container, config=config, client_options=client, retry_config=_RETRY, credential_provider=provider
    )


def _gcs(place: Place, secrets: Secrets, client: Any) -> "GCSStore":
    from obstore.store import GCSStore  # noqa: PLC0415 - an extra

    given = secrets.take("service_account_key")
    if given and not _GOOGLE.isdisjoint(os.environ):
        # It would be mixed with the dataset's own, and nothing that could be given here prevents it.
        told = ", ".join(sorted(_GOOGLE & os.environ.keys()))
        raise UnavailableError("dataset_environment_mixed", f"take {told} out of the server's environment")
    config: Any = {"base_url": place.url, "skip_signature": not given, **given}
    return GCSStore(place.container, config=config, client_options=client, retry_config=_RETRY)


_OPENERS: Final[dict[str, Callable[[Place, Secrets, Any], Any]]] = {"az": _azure, "gs": _gcs, "s3": _s3}
