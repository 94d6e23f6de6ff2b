import pytest

from ostiary.errors import FaultyInputError
from ostiary.pipeline.datasets.names import check_name, check_prefix, printable


@pytest.mark.parametrize(
    "name", ["a", "a/b.parquet", "year=2026/month=07/x", "ünïcode/日本", "a b", ".hidden", "a..b", "..."]
)
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/..", "./a", "a/./b",
        "%2e%2e/a", "a%2Fb", "a%00b", "%252e%252e/x", "a\\..\\b", "C:\\x", "a\x00b", "a\nb", "a\rb", "a\tb",
        "a\x7fb", "a\u202eb", "a\u200bb", "a\ufeffb", "a\ufffdb", "cafe\u0301", "\u2028x", "a*", "a?b", "a#b", "~root",
        ".ostiary-staging/x", "a/.ostiary", " a", "a ", "a/ b", "x" * 1025, "y" * 256, "a|b", "<a>", '"a"', "\ud800",
        "a/" * 600 + "b", "\ue000",
    ],
)  # fmt: skip
def test_tricks_are_refused_not_cleaned(name: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        check_name(name)
    assert no.value.code == "object_name_invalid"
    assert no.value.message.isprintable()


def test_a_folder_may_end_in_one_slash() -> None:
    assert (check_prefix("a/b/"), check_prefix("a/b"), check_prefix("")) == ("a/b", "a/b", "")
    with pytest.raises(FaultyInputError):
        check_prefix("a//")


def test_a_name_never_breaks_a_log_line() -> None:
    told = printable('x"\n{"kind":"decision"}\u202e\ud800')
    assert told.isascii()
    assert told.isprintable()
    assert len(printable("\n" * 5000)) <= 1024
