"""What stands for a value on the stack of a pickle that is followed and not run."""

from typing import Final, TypeAlias

# Names that a clean pickle may import: what they make is data, and nothing they are given is called.
ALLOWED_NAMES: Final = frozenset({
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("lightgbm.basic", "Booster"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    *(
        ("torch", f"{kind}Storage")
        for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    ),
})  # fmt: skip
DICT: Final = ("collections", "OrderedDict")
DEFAULT_DICT: Final = ("collections", "defaultdict")
BOOSTER: Final = ("lightgbm.basic", "Booster")
CALLABLE: Final = frozenset({
    DICT, DEFAULT_DICT, ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
})  # fmt: skip
NEWABLE: Final = frozenset({BOOSTER})  # what NEWOBJ may make, of no arguments
FILLED: Final = frozenset({DICT, BOOSTER})  # whose state BUILD may set
HELD: Final = frozenset({None, DICT, DEFAULT_DICT})  # who made what may be put into


class Plain:
    """A number, a text, bytes, a truth value, None; ``text`` is kept when it is short, to tell a name by."""

    __slots__ = ("text",)
    depth: int = 0

    def __init__(self, text: str | None = None) -> None:
        """Keep the text."""
        self.text = text


class Name:
    """What an import gave."""

    __slots__ = ("module", "name")
    depth: int = 0

    def __init__(self, module: str, name: str) -> None:
        """Keep whence it came."""
        self.module = module
        self.name = name

    @property
    def pair(self) -> tuple[str, str]:
        """Module and name."""
        return self.module, self.name


class Box:
    """A list, dictionary or set, or what a call of an allowed name made."""

    __slots__ = ("depth", "made_by")

    def __init__(self, depth: int = 1, made_by: tuple[str, str] | None = None) -> None:
        """Keep how deep it is."""
        self.depth = depth
        self.made_by = made_by


class Row:
    """A tuple; it keeps its members, for arguments are told by them."""

    __slots__ = ("depth", "members")

    def __init__(self, members: "tuple[Value, ...]") -> None:
        """Keep the members."""
        self.members = members
        self.depth: int = 1 + max((member.depth for member in members), default=0)


class Mark:
    """The mark that MARK leaves."""

    __slots__ = ()
    depth: int = 0


Value: TypeAlias = Plain | Name | Box | Row | Mark
