"""Reads the form of a token request (RFC 6749 §3.2, RFC 8693 §2.1): bounded, nothing twice, nothing that is guessed.

>>> read_form(b"grant_type=a&grant_type=b")
Traceback (most recent call last):
...
ostiary.errors.FaultyInputError: a parameter of the form came twice
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from ostiary.errors import FaultyInputError
from ostiary.identity.exchange.details import INVALID, AccessDetail, read_details
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.exchange.restrictions import ALL_COLUMNS
from ostiary.identity.strict import NotStrictError, parse_object

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of RFC 8693 §3
TOKEN_TYPES: Final = (
    ACCESS_TOKEN,
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:jwt",
)
MAX_FORM: Final = 131_072
MAX_PARAMETERS: Final = 16
MAX_DETAILS: Final = 65_536
_SEGMENT: Final = re.compile(r"[^/\\]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedToken:
    """One request for a token; all of it unverified."""

    subject_token: str = field(repr=False)
    actor_token: str | None = field(default=None, repr=False)
    detail: AccessDetail
    targets: tuple[str, ...] = ()


def read_form(body: bytes) -> dict[str, str]:
    """Return the parameters of a form.

    Raises:
        FaultyInputError: ``token_request_invalid``.
    """
    if len(body) > MAX_FORM:
        _faulty(f"the form has {len(body)} bytes, {MAX_FORM} are allowed")
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        _faulty("the form is malformed, or has too many parameters")
    told = dict(pairs)
    if len(told) != len(pairs):
        _faulty("a parameter of the form came twice")
    return {name: value for name, value in told.items() if value}  # RFC 6749 §3.2: without a value is as if left out


def read_request(form: Mapping[str, str]) -> AskedToken:
    """Return what a form asks for.

    Raises:
        FaultyInputError: one of ``ExchangeRefusal``'s codes, or ``authorization_details_invalid``.
    """
    if form.get("grant_type") != GRANT:
        text = f"`grant_type` must be `{GRANT}`"
        raise FaultyInputError(ExchangeRefusal.GRANT_TYPE_UNSUPPORTED, text)
    if "scope" in form:
        raise FaultyInputError(ExchangeRefusal.SCOPE_UNSUPPORTED, "say it in `authorization_details`, not in `scope`")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        _faulty(f"`requested_token_type` can be `{ACCESS_TOKEN}` alone")
    return AskedToken(
        subject_token=_token(form, "subject_token") or _faulty("`subject_token` is missing"),
        actor_token=_token(form, "actor_token"),
        detail=read_asked_detail(form.get("authorization_details", "")),
        targets=tuple(form[name] for name in ("audience", "resource") if name in form),
    )


def read_asked_detail(text: str) -> AccessDetail:
    """Return the one item that is asked for, from JSON.

    Raises:
        FaultyInputError: ``authorization_details_invalid``.
    """
    if len(text) > MAX_DETAILS:
        raise FaultyInputError(INVALID, f"`authorization_details` has more than {MAX_DETAILS} characters")
    detail = read_details(_strict(text))
    _check_lists(detail)
    _check_prefix(detail.prefix)
    return detail


def _strict(text: str) -> object:
    """Return a JSON value as strictly as tokens are read: no member twice, bounded in depth."""
    try:
        wrapped = parse_object(b'{"it":' + text.encode() + b"}")
    except (NotStrictError, UnicodeEncodeError):
        raise FaultyInputError(INVALID, "`authorization_details` is no proper JSON") from None
    if list(wrapped) != ["it"]:
        raise FaultyInputError(INVALID, "`authorization_details` is no JSON value")
    return wrapped["it"]


def _check_lists(detail: AccessDetail) -> None:
    for name, values in (("actions", detail.actions), ("datatypes", detail.datatypes)):
        if len(set(values)) != len(values):
            raise FaultyInputError(INVALID, f"`{name}` names something twice")
    if detail.type == "ostiary_feature_set" and not detail.datatypes:
        raise FaultyInputError(
            INVALID, f"name the columns in `datatypes`; `{ALL_COLUMNS}` is all that policy lets through"
        )
    if ALL_COLUMNS in detail.datatypes and len(detail.datatypes) > 1:
        raise FaultyInputError(INVALID, f"`{ALL_COLUMNS}` stands alone in `datatypes`")


def _check_prefix(prefix: str) -> None:
    """Refuse what two readers could take for two places: paths that climb, begin at a root or hold empty names."""
    names = prefix.removesuffix("/").split("/") if prefix else []
    if any(name in {".", ".."} or not _SEGMENT.match(name) for name in names):
        raise FaultyInputError(INVALID, "`prefix` must be names parted by single `/`, none of them `.` or `..`")


def _token(form: Mapping[str, str], name: str) -> str | None:
    told, kind = form.get(name), form.get(f"{name}_type")
    if (told is None) != (kind is None):
        _faulty(f"`{name}` and `{name}_type` come together")
    if kind is not None and kind not in TOKEN_TYPES:
        _faulty(f"`{name}_type` is of no kind that is exchanged here")
    return told


def _faulty(message: str) -> NoReturn:
    raise FaultyInputError(ExchangeRefusal.TOKEN_REQUEST_INVALID, message)
