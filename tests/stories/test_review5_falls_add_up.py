"""A fall upon a fall never gives anything back: neither what a demand asks for, nor what a reduction took."""

import pytest

from ostiary.sessions import Session, rules

STRONG = "urn:ostiary:acr:phishing-resistant"
WEAK = "urn:ostiary:acr:mfa"


@pytest.mark.parametrize("demands", [((), (WEAK,)), ((WEAK,), ()), ((), (WEAK, STRONG))])
def test_a_demand_for_the_strongest_is_not_met_by_a_class_that_another_demand_names(
    demands: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    session = Session("acme", "s1", "user:ann")
    for at_ns, classes in enumerate(demands, 10):
        session = rules.demanded(session, at_ns, classes, "risk")
    assert session.acr_values == (), "an administrator, or a device that fell, asked for the strongest there is"


def test_neither_is_it_where_two_processes_asked() -> None:
    start = Session("acme", "s1", "user:ann")
    versions = [rules.demanded(start, at_ns, classes, "risk") for at_ns, classes in ((10, ()), (11, (WEAK,)))]
    assert rules.joined(*versions).acr_values == ()
    assert rules.joined(*reversed(versions)).acr_values == ()


def test_more_losses_than_can_be_kept_give_none_of_them_back() -> None:
    session = rules.reduced(Session("acme", "s1", "user:ann"), 10, ("export",), 0, "risk")
    many = tuple(f"a{number:03}" for number in range(rules.MAX_DROPPED))
    after = rules.reduced(session, 11, many, 0, "administrator")
    assert "export" in after.dropped
    assert len(after.dropped) <= rules.MAX_DROPPED
    assert after.demands_step_up, "what could not be kept is lost too, so nothing is done before a step-up"
