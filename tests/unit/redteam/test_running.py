import msgspec
import pytest

from ostiary.errors import FaultyInputError
from ostiary.redteam import running
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.report import encode, report_of
from ostiary.redteam.running import Ran, all_attacks, chosen, run
from ostiary.redteam.world import World


def attack(name: str, tries: int = 4, successes: int = 0) -> Attack:
    outcome = Outcome(Tally(4, 3), Tally(tries, successes))
    return Attack(name, "AML.T0015", "tries", lambda _world: outcome)


def broken() -> Attack:
    def fail(_world: World) -> Outcome:
        msg = "no luck"
        raise ValueError(msg)

    return Attack("broken", "AML.T0043", "breaks off", fail)


def test_a_line_has_the_public_names() -> None:
    line = Ran(attack("a"), Outcome(Tally(4, 3), Tally(4, 1))).line
    assert msgspec.json.decode(msgspec.json.encode(line)) == {
        "attack": "a",
        "atlas": "AML.T0015",
        "without": 0.75,
        "with": 0.25,
        "n": 4,
    }


def test_an_attack_that_breaks_off_does_not_pass_and_the_others_go_on() -> None:
    told: list[str] = []
    ran = list(run([broken(), attack("b")], World(), lambda name, fault: told.append(f"{name}: {fault}")))
    assert [one.passed for one in ran] == [False, True]
    assert ran[0].line.guarded == 1.0
    assert told == ["broken: no luck"]
    assert not report_of(World(), ran).passed


@pytest.mark.parametrize(("tries", "successes"), [(0, 0), (4, 1)])
def test_nothing_tried_and_anything_above_the_bound_does_not_pass(tries: int, successes: int) -> None:
    (ran,) = run([attack("a", tries, successes)], World(), lambda _name, _fault: None)
    assert not ran.passed


def test_nothing_run_is_nothing_passed() -> None:
    assert not report_of(World(), []).passed


def test_the_same_run_gives_the_same_bytes() -> None:
    ran = list(run([attack("a")], World(), lambda _name, _fault: None))
    assert encode(report_of(World(), ran)) == encode(report_of(World(), ran))


def test_every_attack_of_the_folder_has_a_name_of_its_own() -> None:
    names = [one.name for one in all_attacks()]
    assert len(names) == len(set(names))


def test_attacks_are_chosen_by_how_their_names_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "all_attacks", lambda: [attack("drift-slow"), attack("padding-greedy")])
    assert [one.name for one in chosen(["padding"])] == ["padding-greedy"]
    assert len(chosen([])) == 2
    with pytest.raises(FaultyInputError, match="is no attack"):
        chosen(["nothing"])


def test_luck_is_the_same_for_the_same_seed_and_name_only() -> None:
    assert World(1).rng("a").random() == World(1).rng("a").random()
    assert World(1).rng("a").random() not in {World(2).rng("a").random(), World(1).rng("b").random()}
