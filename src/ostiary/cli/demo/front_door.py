"""The front door: asks the server what an enforcement point asks, over HTTP, as an enforcement point does."""

from typing import Any, Final

import httpx

from ostiary.errors import RefusedError, UnavailableError

_TIMEOUT_S: Final = 30.0


class FrontDoor:
    """One enforcement point of the default tenant."""

    def __init__(self, url: str, pep_key: str) -> None:
        """Take where the server is and the enforcement point's API key."""
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=_TIMEOUT_S, headers={"Authorization": f"Bearer {pep_key}"}, trust_env=False)

    def ask(self, request: dict[str, Any], token: str) -> dict[str, Any]:
        """Return the AuthZEN answer to ``request``, which goes out with the subject's token.

        Raises:
            UnavailableError: ``server_unreachable``.
            RefusedError: ``pep_unauthenticated``: this server does not know the key.
        """
        body = {**request, "context": {**request["context"], "subject_token": token}}
        try:
            response = self._client.post(f"{self.url}/access/v1/evaluation", json=body)
        except httpx.HTTPError as fault:
            raise UnavailableError("server_unreachable", f"no server answers at `{self.url}`") from fault
        if response.status_code != httpx.codes.OK:
            text = f"`{self.url}` answered {response.status_code}: is it the server of this data directory?"
            raise RefusedError("pep_unauthenticated", text)
        answer: dict[str, Any] = response.json()
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
