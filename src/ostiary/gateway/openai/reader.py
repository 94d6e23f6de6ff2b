"""What reading one request needs: whose it is, how much may be in it, which tools speak for the organisation."""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai.collecting import INVALID, TOO_MUCH, Collector
from ostiary.gateway.openai.limits import DEFAULTS, AskLimits
from ostiary.vocabulary.labels import Channel, Integrity, Label

READ_ELSEWHERE: Final = frozenset({"model", "messages", "input", "instructions", "tools"})
_MAX_NAME: Final = 256
_MAX_INT: Final = 2**31


class Reader:
    """Reads the parts that requests of all kinds have in common; one for each request."""

    def __init__(
        self,
        tenant: str,
        asker: str,
        *,
        limits: AskLimits = DEFAULTS,
        extra: frozenset[str] = frozenset(),
        image_hosts: frozenset[str] = frozenset(),
        trusted_tools: frozenset[str] = frozenset(),
    ) -> None:
        """Read for ``asker`` (``type:id``) of ``tenant``; answers of ``trusted_tools`` are the organisation's own."""
        self.tenant, self.limits, self.extra = tenant, limits, extra
        self.collector = Collector(limits, image_hosts)
        self.operator = Label(Channel.OPERATOR, tenant, integrity=Integrity.TRUSTED)
        self.asker = Label(Channel.USER, tenant, principal=asker, integrity=Integrity.ASKER)
        self.model = Label(Channel.USER, tenant, principal="model", integrity=Integrity.ASKER)
        self._trusted = trusted_tools

    def tool(self, name: str) -> Label:
        """Return the label of what a tool answered."""
        integrity = Integrity.TRUSTED if name in self._trusted else Integrity.UNTRUSTED
        return Label(Channel.TOOL, self.tenant, tool=name, integrity=integrity)

    def name(self, told: dict[str, Any], key: str, place: str = "", *, default: str | None = None) -> str:
        """Return a short text.

        Raises:
            FaultyInputError: it is none.
        """
        value = told.get(key, default)
        where = f"{place}.{key}" if place else key
        if value is None:
            raise FaultyInputError("missing_required_parameter", f"missing required parameter: `{where}`", where)
        if not isinstance(value, str) or len(value) > _MAX_NAME or not value.isprintable():
            raise FaultyInputError(INVALID, f"`{where}` is a text of at most {_MAX_NAME} characters", where)
        return value

    @staticmethod
    def flag(told: dict[str, Any], key: str) -> bool:
        """Return a truth value; left out or ``null`` is false.

        Raises:
            FaultyInputError: it is none.
        """
        value = told.get(key)
        if value is not None and not isinstance(value, bool):
            raise FaultyInputError(INVALID, f"`{key}` is true or false", key)
        return bool(value)

    @staticmethod
    def count(told: dict[str, Any], key: str, default: int, most: int | None = None) -> int:
        """Return a count of at least one.

        Raises:
            FaultyInputError: it is none, or above ``most``.
        """
        value = told.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= (most or _MAX_INT):
            raise FaultyInputError(INVALID, f"`{key}` is a whole number from 1 to {most or _MAX_INT}", key)
        return value

    def tools(self, told: dict[str, Any]) -> tuple[str, ...]:
        """Read the tools that are offered and return their names.

        Raises:
            FaultyInputError: one is no function: what a model's own server runs is not guarded here.
        """
        offered = told.get("tools")
        if offered is None:
            return ()
        if not isinstance(offered, list) or len(offered) > self.limits.tools:
            raise FaultyInputError(TOO_MUCH, f"`tools` is a list of at most {self.limits.tools}", "tools")
        return tuple(self._tool(one, f"tools[{number}]") for number, one in enumerate(offered))

    def _tool(self, one: Any, place: str) -> str:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind != "function":
            text = "a tool is a function: what a model's own server runs is not guarded here"
            raise FaultyInputError("unsupported_value", text, f"{place}.type")
        self.collector.all(one, self.asker, place, but=("type",))
        inner = one.get("function")
        return (
            self.name(inner, "name", f"{place}.function") if isinstance(inner, dict) else self.name(one, "name", place)
        )

    def extras(self, told: dict[str, Any], aside: frozenset[str] = frozenset()) -> None:
        """Look at all that stands beside the messages, also where a number or one word belongs.

        Some servers put an effort or a kind into the operator's prompt as it is. ``aside`` are members that go to no
        model: ids of what is kept here are drawn by lot, and now and then one looks like an attack.
        """
        for name, value in told.items():
            if name not in READ_ELSEWHERE | aside:
                self.collector.all(value, self.asker, name)

    @staticmethod
    def remember(called: dict[str, str], call_id: str, name: str) -> None:
        """Remember which call was to which tool; one id for two tools vouches for neither."""
        called[call_id] = name if called.get(call_id, name) == name else ""
