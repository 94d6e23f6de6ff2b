"""Two hundred hostile names, and a look at a page that tells whether any of them became more than text."""

from html.parser import HTMLParser
from typing import Final

MARK: Final = "zq7"
_SHAPES: Final = (
    "<{m}>",
    "<script>{m}()</script>",
    "</script><script>{m}()</script>",
    "<img src=x on{m}={m}()>",
    '"><svg on{m}={m}()>',
    "' on{m}='{m}()",
    '" on{m}="{m}()" x="',
    "--><{m}>",
    "</textarea><{m}>",
    "</title><{m}>",
    "</code></pre><{m}>",
    "<{m} src=//evil.example>",
    "javascript:{m}()",
    "data:text/html,<{m}>",
    "{{{{7*7}}}}<{m}>",
    "${{7*7}}<{m}>",
    "{{% raw %}}<{m}>",
    "<iframe srcdoc='<{m}>'>",
    "<a href=javascript:{m}()>",
    "<style>@import '{m}'</style><{m}>",
    "&lt;{m}&gt;<{m}>",
    "<math><mi xlink:href=javascript:{m}()>",
    "<base href=//{m}.example>",
    "<meta http-equiv=refresh content=0;{m}>",
    "<form action=//{m}.example>",
)
_ODD: Final = (
    "",
    "\u202e",
    "\u200b",
    "\x0b",
    "\n",
    "%3C",
    "\\",
    "\u2028",
)
HOSTILE: Final = tuple(f"{shape.format(m=MARK)}{odd}{number}" for number, (shape, odd) in enumerate(
    (shape, odd) for shape in _SHAPES for odd in _ODD
))  # fmt: skip
_LEADING: Final = frozenset({"href", "src", "action", "formaction", "data-href", "srcdoc", "xlink:href", "content"})
_AWAY: Final = ("javascript:", "data:", "//", "http:", "https:")


class Look(HTMLParser):
    """Reads a page and remembers what a hostile name has become in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag or an attribute that only a hostile name can have made, and a link that leads away."""
        if MARK in tag or tag in {"iframe", "math", "base", "style"}:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            led = name in _LEADING and MARK in (value or "") and (value or "").strip().lower().startswith(_AWAY)
            if MARK in name or name == "style" or (name.startswith("on") and len(name) > 2) or led:
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def became(page: str) -> list[str]:
    """Return what hostile names became beside text."""
    look = Look()
    look.feed(page)
    look.close()
    hidden = [f"{ord(char):#x} is shown" for char in "\u202e\u200b" if char in look.text]
    return look.found + hidden
