"""The featuriser in C and in NumPy give the very same buckets for any text: what was learned is what is read."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.inspection.learned import kernel, ngram
from ostiary.inspection.text import normalise

SOURCE = Path(ngram.__file__).with_name("ngram.c")
TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("abc ABC 019_.,;\n\u00df\u0130\u5ffd\u3042\u3000\u2003\u0438")),
    max_size=300,
)
WEIGHTS = np.random.default_rng(7).integers(-32_768, 32_768, ngram.BUCKETS).astype(np.int16)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None:
        assert os.environ.get("CI") != "true", "no C compiler: the kernel is not tried"
        pytest.skip("no C compiler")
    target = tmp_path_factory.mktemp("kernel") / "ngram.so"
    flags = ["-O2", "-fwrapv", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, str(SOURCE), "-o", str(target)], check=True)
    found = kernel.load(target)
    assert found is not None
    return found


@given(TEXTS)
@settings(max_examples=tries(150, 500), deadline=None)
def test_both_read_the_same(native, text):
    codes = ngram.codes_of(text)
    found = native.indices(codes)
    assert np.array_equal(found, ngram.plain_indices(codes))
    assert np.array_equal(found, np.unique(found))
    assert found.dtype == np.int32
    assert len(found) == 0 or (found[0] >= 0 and found[-1] < ngram.BUCKETS)


@given(TEXTS, st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=tries(100, 200), deadline=None)
def test_both_sum_the_same(native, text, one, other):
    codes = ngram.codes_of(text)
    start, end = sorted((min(one, len(codes)), min(other, len(codes))))
    parts = [(0, len(codes)), (start, end), (start, start)]
    plain = [ngram._sum(ngram.plain_indices(codes[a:b]), WEIGHTS) for a, b in parts]
    assert native.sums(codes, parts, WEIGHTS) == plain


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_case_blanks_and_digits_do_not_matter(text):
    plain = normalise(text).text
    assert np.array_equal(ngram.indices(plain), ngram.indices(f"  {plain} "))
    assert np.array_equal(ngram.indices("call 911 NOW"), ngram.indices("CALL  123\nnow"))


def test_a_part_outside_the_text_and_weights_of_another_length_are_our_fault(native):
    codes = ngram.codes_of("abc")
    with pytest.raises(RuntimeError):
        native.sums(codes, [(0, 4)], WEIGHTS)
    with pytest.raises(RuntimeError):
        native.sums(codes, [(0, 3)], WEIGHTS[:100].copy())


def test_a_library_that_answers_otherwise_is_not_used(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        assert os.environ.get("CI") != "true"
        pytest.skip("no C compiler")
    other = tmp_path / "other.c"
    other.write_text(SOURCE.read_text().replace("#define PRIME 16777619u", "#define PRIME 16777633u"))
    subprocess.run([compiler, "-O2", "-fPIC", "-shared", str(other), "-o", str(tmp_path / "other.so")], check=True)
    assert kernel.load(tmp_path / "other.so") is None
    assert kernel.load(tmp_path / "absent.so") is None


def test_threads_do_not_disturb_each_other(native):
    texts = [f"{word} is said {count} times by nobody at all" for word in ("salt", "pepper") for count in range(200)]
    codes = [ngram.codes_of(text) for text in texts]
    alone = [native.sums(one, [(0, len(one))], WEIGHTS) for one in codes]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: native.sums(one, [(0, len(one))], WEIGHTS), codes)) == alone
