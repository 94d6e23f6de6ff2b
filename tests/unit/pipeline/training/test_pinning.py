import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.training.egress import EgressRule, Target, narrow, parse_target, read_rules
from ostiary.pipeline.training.pinning import Pins, is_public

REGISTRY = Target("registry.example", 443)
RULE = EgressRule("registry.example", 443)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104 - as text
        "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254",
        "ff02::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "no address",
    ],
)  # fmt: skip
def test_no_private_place_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "151.101.0.223", "2a04:4e42::223"])
def test_public_places_are(address):
    assert is_public(address)


def test_a_name_bound_anew_leads_where_it_led():
    answers = iter([["151.101.0.223"], ["127.0.0.1"], ["151.101.0.224"]])
    pins = Pins([RULE], lambda _host, _port: next(answers))
    assert [pins.addresses(REGISTRY) for _ in range(3)] == [("151.101.0.223",)] * 3


def test_one_private_address_spoils_the_answer():
    pins = Pins([RULE], lambda _host, _port: ["151.101.0.223", "169.254.169.254"])
    with pytest.raises(RefusedError) as no:
        pins.addresses(REGISTRY)
    assert no.value.code == "egress_private_address"


def test_only_a_declared_address_may_be_private_and_nobody_is_asked():
    def resolve(_host, _port):
        raise AssertionError

    pins = Pins([EgressRule("registry.example", 443, addresses=("10.0.0.7",))], resolve)
    assert pins.addresses(REGISTRY) == ("10.0.0.7",)


def test_another_port_is_another_place():
    pins = Pins([RULE], lambda _host, _port: ["151.101.0.223"])
    with pytest.raises(RefusedError):
        pins.addresses(Target("registry.example", 8443))


def test_a_name_that_does_not_resolve_is_tried_again_later():
    def resolve(_host, _port):
        raise OSError

    with pytest.raises(UnavailableError):
        Pins([RULE], resolve).addresses(REGISTRY)
    with pytest.raises(UnavailableError):
        Pins([RULE], lambda _host, _port: []).addresses(REGISTRY)


def test_egress_can_only_be_narrowed():
    granted = read_rules([{"host": "a.example", "port": 443}, {"host": "b.example", "port": 443, "kind": "logging"}])
    assert narrow(granted, None) == granted
    assert narrow(granted, []) == ()
    assert [str(one) for one in narrow(granted, [parse_target("b.example:443")])] == ["b.example:443"]
    for beyond in ("c.example:443", "a.example:8443"):
        with pytest.raises(RefusedError) as no:
            narrow(granted, [parse_target("a.example:443"), parse_target(beyond)])
        assert no.value.code == "egress_not_granted"


@pytest.mark.parametrize(
    "told",
    [
        "a.example:443", {"host": "a.example"}, [{"host": "a.example"}], [{"host": "a.example", "port": "443"}],
        [{"host": "*.example", "port": 443}], [{"host": "10.0.0.1", "port": 443}], [{"host": "a.example", "port": 0}],
        [{"host": "a.example", "port": 443, "addresses": ["localhost"]}], [None],
        [{"host": "a.example", "port": 443}] * 65,
        [{"host": "A.example", "port": 443}],
    ],
)  # fmt: skip
def test_one_wrong_rule_spoils_all(told):
    with pytest.raises(FaultyInputError):
        read_rules(told)
