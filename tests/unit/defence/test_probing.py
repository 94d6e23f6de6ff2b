"""The watch for those who map a boundary, case by case."""

import threading

from ostiary.defence.probing import BLIND, ProbeLimits, ProbeWatch, Seen, Sketch, Ticket

SECOND = 1_000_000_000


def sketch(*cells: int, exact: str = "", apart: tuple[int, ...] = (), unusual: bool = False) -> Sketch:
    return Sketch(bytes(cells), (exact or repr((cells, apart))).encode(), apart, unusual)


def ask(watch: ProbeWatch, one: Sketch, outcome: str = "", **more: object) -> Ticket:
    given = {"tenant": "acme", "endpoint": "fraud", "subject": "user:eve", "near": 0.02, "now_ns": 0, **more}
    ticket = watch.observe(asked=[one], **given)  # type: ignore[arg-type]
    watch.answered(ticket, [outcome]) if outcome else None
    return ticket


def test_a_question_asked_again_tells_nothing_new() -> None:
    watch = ProbeWatch()
    assert [ask(watch, sketch(10, 20), "no").seen.near for _ in range(5)] == [0] * 5


def test_the_same_few_questions_over_and_over_are_no_search() -> None:
    watch = ProbeWatch()
    asked = [ask(watch, sketch(10 + n % 4, 20), "no").seen for n in range(40)]
    assert asked[-1] == Seen(queries=40, near=3)


def test_rows_that_are_one_sketch_and_not_one_row_are_near() -> None:
    watch = ProbeWatch()
    ask(watch, sketch(10, 20, exact="0.1000"))
    assert ask(watch, sketch(10, 20, exact="0.1001")).seen.near == 1


def test_neighbours_on_two_sides_straddle() -> None:
    watch = ProbeWatch()
    ask(watch, sketch(10, 20), "good")
    ask(watch, sketch(11, 20), "bad")
    ask(watch, sketch(200, 20), "good")
    assert ask(watch, sketch(100, 100)).seen == Seen(queries=4, near=1, straddling=1)


def test_where_nobody_said_what_is_near_nothing_is() -> None:
    watch = ProbeWatch()
    assert [ask(watch, sketch(10, exact=str(n)), near=0.0).seen.near for n in range(9)] == [0] * 9


def test_another_category_is_far() -> None:
    watch = ProbeWatch()
    ask(watch, sketch(10, apart=(1,)))
    assert ask(watch, sketch(10, apart=(2,))).seen.near == 0


def test_rows_of_one_request_are_looked_at_together() -> None:
    watch, many = ProbeWatch(), [sketch(10, n) for n in range(16)]
    assert watch.observe("acme", "fraud", "user:eve", many, 0.02, 0).seen == Seen(queries=16, near=15)


def test_subjects_endpoints_and_tenants_are_apart() -> None:
    watch = ProbeWatch()
    ask(watch, sketch(10, 20))
    for change in ({"subject": "user:ada"}, {"endpoint": "other"}, {"tenant": "beta"}):
        assert ask(watch, sketch(10, 21), **change).seen == Seen(queries=1)


def test_counts_go_by_with_the_window() -> None:
    watch = ProbeWatch(ProbeLimits(window_s=60))
    ask(watch, sketch(10, 20))
    assert ask(watch, sketch(10, 21), now_ns=30 * SECOND).seen.near == 1
    assert ask(watch, sketch(90, 90), now_ns=200 * SECOND).seen == Seen(queries=1)


def test_more_questions_than_are_remembered_still_count() -> None:
    watch = ProbeWatch(ProbeLimits(remembered=4))
    seen = [ask(watch, sketch(10, 20, exact=str(n))).seen for n in range(50)][-1]
    assert (seen.queries, seen.near) == (50, 49)


def test_being_refused_on_purpose_pushes_nothing_out() -> None:
    watch = ProbeWatch(ProbeLimits(remembered=4))
    ask(watch, sketch(10, 20), "good")
    flood = watch.observe("acme", "fraud", "user:eve", [sketch(200, n) for n in range(9)], 0.02, 0)
    watch.withdraw(flood)
    assert ask(watch, sketch(10, 21)).seen == Seen(queries=2, near=1)


def test_where_there_is_no_room_nobody_is_forgotten_and_nobody_is_trusted() -> None:
    watch = ProbeWatch(ProbeLimits(window_s=60, subjects=1))
    ask(watch, sketch(10, 20), "good")
    newcomer = ask(watch, sketch(1, 1), "x", subject="user:new")
    assert newcomer.seen == BLIND
    watch.withdraw(newcomer)
    assert ask(watch, sketch(10, 21)).seen.near == 1
    assert ask(watch, sketch(1, 1), subject="user:new", now_ns=200 * SECOND).seen.known


def test_questions_asked_at_once_are_all_seen() -> None:
    watch = ProbeWatch(ProbeLimits(remembered=1024))
    seen: list[int] = []

    def run(thread: int) -> None:
        seen.extend(ask(watch, sketch(10, 20, exact=f"{thread}/{n}"), "x").seen.near for n in range(25))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(200))
