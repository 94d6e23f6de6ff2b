"""The reference page of shared signals says what the code does."""

import re
from pathlib import Path

from ostiary.identity.secevent import SetRefusal, push_error
from ostiary.response.ssf import limits
from ostiary.server.settings.ssf import ReceiverSection

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "shared-signals.md"


def test_it_lists_every_refusal_and_the_word_that_is_heard() -> None:
    listed = re.findall(r"^\| `(set_[a-z0-9_]+)` \| `([a-z_]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert listed == [(code.value, push_error(code)) for code in SetRefusal]
    assert [code.value for code in SetRefusal] == sorted(code.value for code in SetRefusal)


def test_it_tells_every_setting_of_a_receiver() -> None:
    section = PAGE.read_text().partition("| setting of a receiver |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", section)) >= set(ReceiverSection.model_fields)


def test_its_limits_are_the_codes() -> None:
    text = PAGE.read_text().partition("## Limits")[2]
    for number in (limits.MAX_STREAMS_PER_OWNER, limits.MAX_STREAMS_PER_TENANT, limits.MAX_SUBJECTS, limits.MAX_ACKED):
        assert f"{number:,}" in text
