"""A function that the engine cannot interrupt is none for callers: one call would hold a thread for hours."""

import pytest

from ostiary.errors import RefusedError
from ostiary.pipeline.features.analysis import analyse


@pytest.mark.parametrize(
    "name", ["jaro_similarity", "jaro_winkler_similarity", '"JARO_Similarity"', "main.jaro_similarity"]
)
def test_what_cannot_be_interrupted_is_not_run(name: str) -> None:
    with pytest.raises(RefusedError) as fault:
        analyse(f"select {name}(repeat('a', 3000000), repeat('b', 3000000)) from people", "people")  # noqa: S608
    assert fault.value.code == "query_not_allowed"


def test_by_the_name_of_a_method_neither() -> None:
    with pytest.raises(RefusedError):
        analyse("select repeat('a', 3000000).jaro_similarity(country) from people", "people")


@pytest.mark.parametrize(
    "cast",
    [
        "repeat('1', 3000000)::bignum",
        "try_cast(repeat('1', 3000000) AS varint)",
        "repeat('1', 3000000)::\"BigNum\"",
        "repeat('1', 3000000)::\"VarInt\"",
        "[repeat('1', 3000000)]::bignum[]",
        "cast({'a': repeat('1', 3000000)} AS struct(a bignum))",
        'json_transform(\'{"a": 1}\', \'{"a": "BIGNUM"}\')',
        "from_json('1', '\"VARINT\"')",
    ],
)
def test_numbers_without_end_are_not_made(cast: str) -> None:
    with pytest.raises(RefusedError) as fault:
        analyse(f"select {cast} from people", "people")  # noqa: S608
    assert fault.value.code == "query_not_allowed"
