"""What sinks must not reach, event tokens must not reach either: one list of closed networks for both."""

import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.response.ssf.addresses import AddressRules, aim, check_url

CLOSED = ["fec0::1", "64:ff9b:1::a00:1", "192.88.99.1", "::127.0.0.1", "2001:0:a00:1::f5ff:fffe", "2002:a9fe:a9fe::"]


@pytest.mark.parametrize("address", CLOSED)
def test_an_event_token_is_not_pushed_into_a_closed_network(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(FaultyInputError):
        check_url(f"https://{host}/events", AddressRules())
    with pytest.raises(RefusedError):
        aim("https://innocent.example/events", AddressRules(), lambda _host, _port: [address])
