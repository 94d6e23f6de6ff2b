"""Requests: what the statistics say, that none tells a row its own answer, and that training repeats bit for bit."""

import msgspec
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Slots, Vocabulary
from ostiary.risk.entitlements.combos import best_triples, distinct_columns, pairs
from ostiary.risk.entitlements.forest import ForestSettings
from ostiary.risk.entitlements.ordered import full_share, ordered_share
from ostiary.risk.entitlements.request_fit import RequestSettings, fit_requests
from ostiary.risk.entitlements.request_rows import RequestRows
from ostiary.risk.entitlements.request_words import RequestWords
from ostiary.risk.entitlements.table import Table
from ostiary.risk.entitlements.training import train_requests
from ostiary.testing.entitlements import made_requests

QUICK = RequestSettings(orders=2, fold_orders=1, forest=ForestSettings(trees=40, learning_rate=0.1, column_share=0.5))


def quiet(_what: str, _share: float) -> None:
    """Tell nothing."""


def coded(table: Table) -> tuple[Vocabulary, np.ndarray, np.ndarray]:
    columns = {name: table.columns[name] for name in ("RESOURCE", "MANAGER", "TEAM", "TITLE")}
    words = Vocabulary.of(columns)
    return words, words.codes(columns), np.array([cell == "0" for cell in table.columns["ACTION"]], float)


def test_a_row_is_told_by_the_rows_before_it_only() -> None:
    """Swapping two answers keeps the overall share, so only rows after the swapped ones in the order may change."""
    slots, order = np.zeros(5, int), np.array([3, 0, 4, 2, 1])
    before = ordered_share(slots, np.array([1.0, 0.0, 0.0, 0.0, 1.0]), order)
    after = ordered_share(slots, np.array([1.0, 0.0, 1.0, 0.0, 0.0]), order)  # rows 4 and 2 swapped
    assert [row for row in range(5) if before[row] != after[row]] == [2]
    assert before[3] == pytest.approx(0.4)  # the first in the order has the overall share


def test_an_unseen_value_has_the_overall_share() -> None:
    shares = full_share(np.array([0, -1]), np.array([3.0]), np.array([4.0]), 0.1)
    assert shares.tolist() == pytest.approx([(3 + 0.3) / 7, 0.1])


def test_columns_that_split_alike_count_once_and_triples_are_ranked_by_what_they_tell() -> None:
    luck = np.random.default_rng(2)
    codes = luck.integers(1, 4, size=(400, 4))
    codes = np.column_stack([codes, (codes[:, 0] * 7) % 5 + 1])  # the fifth renames the first
    assert distinct_columns(codes) == [0, 1, 2, 3]
    answers = ((codes[:, 0] + codes[:, 1] + codes[:, 2]) % 2).astype(float)
    best = best_triples(codes, [9] * 5, [0, 1, 2, 3], answers, luck.permutation(400))
    assert best[0] == (0, 1, 2)
    assert pairs([0, 2]) == [(0,), (2,), (0, 2)]


def test_training_rows_leave_the_row_itself_out() -> None:
    _, codes, refused = coded(made_requests(rows=80))
    codes[0] = codes.max(axis=0) + 1  # one request like no other
    sizes = tuple(int(most) + 1 for most in codes.max(axis=0))
    combos = pairs([0, 1, 2, 3])
    rows = RequestRows(codes, sizes, refused, combos)
    names = rows.names(combos)
    row = rows.training(np.random.default_rng(0).permutation(80))[0]
    told = dict(zip(names, row, strict=True))
    assert len(names) == len(row) == len(set(names))
    assert all(told[name] == 0 for name in names if name.startswith(("count", "wide", "broad")))
    assert all(told[name] == pytest.approx(refused.mean()) for name in names if name.startswith("share"))


def test_the_model_tells_refusals_and_names_who_holds_it() -> None:
    table, later = made_requests(), made_requests(seed=6)
    words, codes, refused = coded(table)
    fitted = fit_requests(codes, words.sizes, refused, QUICK, quiet)
    columns = {name: later.columns[name] for name in words.names}
    asked = words.codes(columns)
    chances = fitted.blend.chance(fitted.parts.chances(asked))
    assert roc_auc_score([cell == "0" for cell in later.columns["ACTION"]], chances) > 0.85
    sentences = RequestWords(fitted.parts.rows, words.names, "RESOURCE")
    worst = int(chances.argmax())
    told = sentences.reasons(asked[worst], [columns[name][worst] for name in words.names])
    assert 1 <= len(told) <= 3
    assert any("refused" in one or "nobody with the same" in one for one in told)
    strange = sentences.reasons(np.array([0, 1, 1, 1]), ["tool9-9", "m0-0", "team0", "title1"])
    assert strange[0] == "never seen before: RESOURCE `tool9-9`"


def test_the_same_table_and_seed_give_the_same_bytes() -> None:
    one, two = (train_requests(made_requests(), "ACTION", QUICK, quiet, identifier="row") for _ in range(2))
    assert one.files == two.files
    other = msgspec.structs.replace(QUICK, seed=8)
    assert train_requests(made_requests(), "ACTION", other, quiet, identifier="row").files != one.files


def test_counts_may_come_from_requests_without_a_decision() -> None:
    table = made_requests()
    seen = Table({name: cells for name, cells in made_requests(seed=9).columns.items() if name != "ACTION"}, 600, "ab")
    trained = train_requests(table, "ACTION", QUICK, quiet, identifier="row", seen=seen)
    assert any("transductive" in line for line in trained.card.protocol)
    assert [one.rows for one in trained.card.sources] == [600, 600]


def test_too_little_or_too_much_to_learn_from_is_refused() -> None:
    granted = Table({"ACTION": ["1"] * 50, "A": ["x"] * 50, "B": ["y"] * 50}, 50)
    with pytest.raises(FaultyInputError) as fault:
        train_requests(granted, "ACTION", QUICK, quiet)
    assert fault.value.code == "requests_too_few"
    wide = {f"c{number}": ["x"] * 50 for number in range(20)}
    with pytest.raises(FaultyInputError) as fault:
        train_requests(Table({"ACTION": ["1", "0"] * 25, **wide}, 50), "ACTION", QUICK, quiet)
    assert fault.value.code == "table_too_wide"
    with pytest.raises(FaultyInputError) as fault:
        train_requests(made_requests(), "ACTION", QUICK, quiet, resource="GONE")
    assert fault.value.code == "table_column_missing"


def test_a_combination_key_is_exact() -> None:
    codes = np.array([[1, 2], [2, 1], [1, 1]])
    slots = Slots.of(codes, (0, 1), (3, 3))
    assert len(slots) == 3
    assert [part.tolist() for part in slots.parts()] == [[1, 1, 2], [1, 2, 1]]
