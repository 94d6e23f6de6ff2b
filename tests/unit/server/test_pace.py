from ostiary.server.bench.pace import TURN, samples, spread, turns

MS = 1_000_000


def test_one_slow_stretch_makes_the_whole_tail_and_one_turn_of_it():
    quick, slow = [2 * MS] * TURN, [9 * MS] * TURN
    taken = [*quick, *quick, *slow, *quick]
    assert spread(taken)["p99_ms"] == 9.0
    told = turns(taken)
    assert told == {"p99_ms": [2.0, 2.0, 9.0, 2.0], "median_ms": 2.0}


def test_turns_hide_no_tail_that_every_turn_has():
    turn = [2 * MS] * (TURN - 10) + [7 * MS] * 10
    assert turns(turn * 4)["median_ms"] == spread(turn * 4)["p99_ms"] == 7.0


def test_fewer_samples_than_a_turn_are_one_turn():
    assert turns([MS, 2 * MS, 3 * MS])["p99_ms"] == [spread([MS, 2 * MS, 3 * MS])["p99_ms"]]


def test_samples_are_times_of_work():
    assert all(taken > 0 for taken in samples(3))
