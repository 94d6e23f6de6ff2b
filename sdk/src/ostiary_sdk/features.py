"""Feature sets from the features door: queries, values at points in time, online values, writing.

    tokens = ExchangedToken("https://pdp.example", "default", github_actions("ostiary"), access)
    with Features("https://pdp.example", "default", tokens) as features:
        table = features.query("customers", "SELECT country, avg(amount) FROM customers GROUP BY country")
        frame = features.get_historical_features(entity_df, ["customers:amount", "customers:doubled"]).to_df()
        row = features.get_online_features(["customers:amount"], [{"user_id": 7}]).to_dict()

- Tables come as Arrow; ``to_df`` needs pandas. Both are imported when they are needed, and not before.
- A token is for one feature set: features of two sets are two calls, with a token each.
- What is not answered whole raises ``FeatureError``: there is no half of a table.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

import httpx
import msgspec

from ostiary_sdk.settings import checked_url

ARROW: Final = "application/vnd.apache.arrow.stream"
JSON: Final = "application/json"
MAX_TABLE: Final = 1 << 30
_OK: Final = 200


class Tokens(Protocol):
    """Whatever proves who is calling; ``ostiary_sdk.pipeline.ExchangedToken`` does."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers of one request."""
        ...


class FeatureError(Exception):
    """The door did not give what was asked for.

    Attributes:
        code: why, such as ``access_denied`` or ``query_unknown_column``.
        status: of HTTP; 0 when there was no answer.
        decision_id: what to ask an administrator about; empty without a decision.
        reasons: of the decision.
        needs: columns that the query was found to need.
    """

    def __init__(self, code: str, message: str, status: int = 0, told: Mapping[str, Any] | None = None) -> None:
        """Keep what is known."""
        super().__init__(f"{message} ({code})")
        given = told or {}
        self.code, self.status = code, status
        self.decision_id = str(given.get("decision_id", ""))
        self.reasons = tuple(str(one) for one in given.get("reasons", ()))
        self.needs = tuple(str(one) for one in given.get("needs", ()))


class Answer:
    """An answer in the shapes that people of Feast know."""

    def __init__(self, table: Any) -> None:
        """Take an Arrow table."""
        self._table = table

    def to_arrow(self) -> Any:
        """Return it as a ``pyarrow.Table``."""
        return self._table

    def to_df(self) -> Any:
        """Return it as a pandas data frame."""
        return self._table.to_pandas()

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the values by column."""
        return {name: self._table.column(name).to_pylist() for name in self._table.column_names}


class Features:
    """Asks one tenant's features door; safe for several threads."""

    def __init__(
        self,
        url: str,
        tenant: str,
        tokens: Tokens,
        *,
        timeout_s: float = 30.0,
        allow_http: bool = False,
        verify: bool | str = True,
    ) -> None:
        """Take where the door is and what proves who calls.

        Raises:
            ValueError: the address is none, or not safe to send a token to.
        """
        self._base = f"{checked_url(url, allow_http=allow_http)}/pipeline/{tenant}/features"
        self._tokens = tokens
        # Nothing of the environment: a proxy or a .netrc there would be told what we are told.
        self._http = httpx.Client(timeout=timeout_s, verify=verify, trust_env=False)

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show whom it asks, not with what."""
        return f"Features({self._base!r})"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def query(self, feature_set: str, sql: str) -> Any:
        """Return the answer of one query as a ``pyarrow.Table``; the set's name is the table's.

        Raises:
            FeatureError: it was refused, or not answered.
        """
        return _table(self._post(feature_set, "query", {"sql": sql}))

    def explain(self, feature_set: str, sql: str) -> dict[str, Any]:
        """Return what a query needs, and which of it this token lacks."""
        return _document(self._post(feature_set, "explain", {"sql": sql}))

    def columns(self, feature_set: str) -> dict[str, str]:
        """Return the columns that this token has, with their types."""
        columns: dict[str, str] = _document(self._send("GET", f"/{feature_set}", None, JSON))["columns"]
        return columns

    def whole_columns(self, feature_set: str) -> list[str]:
        """Return the columns that this token has as they are, in all rows: neither masked nor filtered."""
        told = _document(self._send("GET", f"/{feature_set}", None, JSON))
        return [] if told["rows_filtered"] else [name for name in told["columns"] if name not in told["masked"]]

    def get_historical_features(self, entity_df: Any, features: Sequence[str]) -> Answer:
        """Return each row of a frame with the values of its time.

        Args:
            entity_df: a pandas data frame or Arrow table with the entity keys and ``event_timestamp``.
            features: ``set:column``, all of one set.
        """
        name, columns = one_set(features)
        body = _stream(entity_df)
        path = f"/{name}/historical"
        return Answer(_table(self._send("POST", path, body, ARROW, {"columns": ",".join(columns)})))

    def get_online_features(self, features: Sequence[str], entity_rows: Sequence[Mapping[str, Any]]) -> Answer:
        """Return the newest values for each key.

        Args:
            features: ``set:column``, all of one set.
            entity_rows: a mapping of the entity keys for each row.
        """
        import pyarrow as pa  # noqa: PLC0415 - an extra of the application

        name, columns = one_set(features)
        body = {"columns": list(columns), "keys": [dict(row) for row in entity_rows]}
        rows = _document(self._post(name, "online", body))["rows"]
        keys = list(dict.fromkeys(key for row in entity_rows for key in row))
        return Answer(pa.table({one: [row.get(one) for row in rows] for one in (*keys, *columns)}))

    def write(self, feature_set: str, rows: Any) -> int:
        """Add rows, a pandas data frame or Arrow table; return how many were written."""
        told = _document(self._send("POST", f"/{feature_set}/write", _stream(rows), ARROW))
        return int(told["rows"])

    def _post(self, feature_set: str, act: str, body: Mapping[str, Any]) -> httpx.Response:
        return self._send("POST", f"/{feature_set}/{act}", msgspec.json.encode(body), JSON)

    def _send(
        self, method: str, path: str, body: bytes | None, kind: str, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        url = self._base + path
        headers = {**self._tokens.headers(method, url), "Content-Type": kind, "Accept": ARROW}
        try:
            response = self._http.request(method, url, content=body, headers=headers, params=query)
        except httpx.HTTPError as fault:
            raise FeatureError("door_unreachable", "the features door did not answer") from fault
        if response.status_code != _OK:
            raise _refusal(response)
        return response


def one_set(features: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the set and the columns of ``set:column`` names.

    Raises:
        ValueError: a name is none, or there are several sets.

    >>> one_set(["customers:amount", "customers:country"])
    ('customers', ('amount', 'country'))
    """
    parts = [feature.partition(":") for feature in features]
    sets = {name for name, _, _ in parts}
    if not parts or len(sets) != 1 or not all(name and column for name, _, column in parts):
        raise ValueError("name features of one set, each as `set:column`")
    return sets.pop(), tuple(column for _, _, column in parts)


def _stream(frame: Any) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - an extra of the application

    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    table = pa.Table.from_arrays([_plain(column) for column in table.columns], names=table.column_names)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _plain(column: Any) -> Any:
    """Return a column without dictionaries: the door takes none."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of the application

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _table(response: httpx.Response) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra of the application

    kind = response.headers.get("content-type", "")
    if kind != ARROW or len(response.content) > MAX_TABLE:
        raise FeatureError("door_answer_invalid", "the features door answered with something else", _OK)
    try:
        with pa.ipc.open_stream(pa.py_buffer(response.content)) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as fault:
        raise FeatureError("door_answer_invalid", "the features door answered with a broken table", _OK) from fault


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        told: dict[str, Any] = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise FeatureError("door_answer_invalid", "the features door answered with something else", _OK) from fault
    return told


def _refusal(response: httpx.Response) -> FeatureError:
    try:
        told = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = {}
    code = str(told.get("code", "door_answer_invalid"))
    return FeatureError(code, str(told.get("message", "it was refused")), response.status_code, told)
