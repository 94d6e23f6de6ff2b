"""A listed name that leads, by whoever holds its zone, to the surroundings of this machine."""

import pytest

from ostiary.errors import RefusedError
from ostiary.pipeline.training.egress import EgressRule, Target
from ostiary.pipeline.training.pinning import Pins


@pytest.mark.parametrize(
    "address", ["fec0::1", "feff::5", "168.63.129.16", "192.88.99.1", "192.0.0.192", "::ffff:168.63.129.16"]
)
def test_no_run_is_led_to_the_surroundings_of_its_host(address: str) -> None:
    pins = Pins([EgressRule("models.example", 443)], lambda _host, _port: [address])
    with pytest.raises(RefusedError) as no:
        pins.addresses(Target("models.example", 443))
    assert no.value.code == "egress_private_address"
