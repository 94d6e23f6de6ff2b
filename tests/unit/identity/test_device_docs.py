"""The page of devices lists every refusal and tells the defaults that hold."""

import re
from pathlib import Path

from ostiary.identity.attestation import PcrPolicy, QuoteRefusal
from ostiary.identity.devices import DeviceRefusal, DeviceRules
from ostiary.identity.devices.osquery import _TABLES
from ostiary.server.devices import rules_of
from ostiary.server.settings.devices import DevicesSection, RegistersSection


def test_the_page_lists_every_refusal_and_no_other(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "devices.md").read_text()
    listed = re.findall(r"^\| `([a-z0-9_]+)` \| ", page.partition("## Refusals")[2], re.MULTILINE)
    assert listed == [code.value for code in [*DeviceRefusal, *QuoteRefusal]]


def test_codes_are_alphabetical_and_unique() -> None:
    for codes in (DeviceRefusal, QuoteRefusal):
        names = [code.name for code in codes]
        assert names == sorted(names)
        assert all(code.value == code.name.lower() for code in codes)


def test_the_page_names_every_table_that_is_read(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "devices.md").read_text()
    assert all(f"`{table}`" in page for table in _TABLES)


def test_settings_and_rules_have_the_same_defaults() -> None:
    assert rules_of(DevicesSection()) == DeviceRules()
    section = RegistersSection()
    assert (section.bank, section.required) == (PcrPolicy().bank, PcrPolicy().required)
