"""A receiver's key in the query of its address is in no record and in no `repr`."""

import json
from collections.abc import Callable
from typing import Any

from ostiary.response.ssf.streams import PUSH, Delivery, read_wanted

SECRET = "s3cret-of-a-receiver"
URL = f"https://93.184.216.34/events?key={SECRET}"


def test_no_record_holds_the_query_of_a_receivers_address(start_server: Callable[..., Any]) -> None:
    server = start_server()
    headers = {"Authorization": f"Bearer {server.pep_key}"}
    wanted = {"delivery": {"method": PUSH, "endpoint_url": URL}}
    made = server.client.post("/ssf/v1/streams", json=wanted, headers=headers)
    assert made.status_code == 201
    records = [json.loads(one.payload) for one in server.house.log.iterate("default", "signal")]
    assert [one["url"] for one in records] == ["https://93.184.216.34/events"]
    (stream,) = server.house.store.signals.streams("default")
    assert stream.delivery.url == URL, "it is pushed to the whole of it"
    assert SECRET not in repr(stream)


def test_no_repr_holds_it() -> None:
    assert SECRET not in repr(Delivery(PUSH, URL))
    assert SECRET not in repr(read_wanted({"delivery": {"method": PUSH, "endpoint_url": URL}}))
