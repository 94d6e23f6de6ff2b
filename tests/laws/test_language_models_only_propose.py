"""A law by walking the code: from what a language model says no way leads to a deed.

1. One function asks a language model (``defence.strangers.asked``); nothing else in the house calls ``complete``.
2. The modules that hear an answer import, directly or through others, nothing that can do a deed.
3. The functions that hear an answer, or call one that does, call nothing by the name of a deed.
4. What is built holds a model and nothing else; what comes out is texts and choices of three kinds.
5. No permission of the house is a language model's to hold.

The walk is made of the sources alone, and the last tests show that it finds what it must find.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

import ostiary
from ostiary.response import triage
from ostiary.response.steps import StepKind
from ostiary.testing.language import FakeScriptedModel
from ostiary.vocabulary.approvals import Deed

SOURCES = Path(ostiary.__file__).parent
ASKING = "ostiary.defence.strangers"
# Names of what is done by people or by rules: whoever calls one of these does something.
DEEDS = frozenset(
    {
        *(
            "suppress",
            "unsuppress",
            "grant",
            "approve",
            "reject",
            "promote",
            "demote",
            "rollback",
            "set_phase",
            "activate",
        ),
        *(
            "reload",
            "lift",
            "release",
            "release_quarantine",
            "unblock",
            "undo",
            "terminate",
            "reduce",
            "demand_step_up",
        ),
        *("prove", "touch", "revoke", "revoke_subject", "close_case", "execute", "respond", "work", "put", "record"),
        *("record_deed", "save", "delete", "write_text", "write_bytes", "unlink", "erase", "shred", "rotate", "sign"),
        *("enrol", "invite", "mint", "exchange", "register", "remove", "transaction", "system", "Popen", "run", "exec"),
        *(
            "eval",
            "compile",
            "__import__",
            "getattr",
            "setattr",
            "open",
            "urlopen",
            "request",
            "post",
            "send",
            "connect",
        ),
    }
)
# Rooms and modules in which deeds are at home; no module that hears a model may reach one.
POWERFUL = (
    "ostiary.approvals",
    "ostiary.cli",
    "ostiary.decision",
    "ostiary.identity",
    "ostiary.pipeline",
    "ostiary.policy",
    "ostiary.response.executor",
    "ostiary.response.handlers",
    "ostiary.response.journal",
    "ostiary.response.outbox",
    "ostiary.response.shelf",
    "ostiary.response.sinks",
    "ostiary.risk",
    "ostiary.server",
    "ostiary.sessions",
    "ostiary.storage",
)

FROM = re.compile(r"^\s*from ([\w.]+) import (?:\(([^)]*)\)|([^\n]*))", re.MULTILINE)
IMPORT = re.compile(r"^\s*import ([\w.]+)", re.MULTILINE)
HARMLESS = frozenset({"ostiary.policy", "ostiary.policy.plain_yaml"})  # reads a text


class Function(msgspec.Struct, frozen=True):
    """One function: what it calls, and whether it asks a language model by itself."""

    module: str
    name: str
    calls: frozenset[str]
    asks: bool


class Walk:
    """The modules of a package by name, what each imports, and which functions hear a model."""

    def __init__(self, root: Path, package: str = "ostiary", asking: str = ASKING) -> None:
        self.asking = asking
        self.texts: dict[str, str] = {}
        for path in sorted(root.rglob("*.py")):
            parts = [package, *path.relative_to(root).with_suffix("").parts]
            self.texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
        self.imported = {module: self._imports(text) for module, text in self.texts.items()}
        self._heard: list[Function] | None = None
        self._reached: dict[str, set[str]] = {}
        self.functions = [
            Function(module, node.name, calls(node), asks(node))
            for module, text in self.texts.items()
            if ".complete(" in text or asking in self.reach(module)  # nobody else can hear one
            for node in functions_of(ast.parse(text))
        ]

    def _imports(self, text: str) -> set[str]:
        """Return the modules of the package that a module imports, wherever in it that is done."""
        found: set[str] = set()
        for module, many, few in FROM.findall(text):
            found |= {module, *(f"{module}.{name}" for name in re.findall(r"\w+", many or few))}
        found |= set(IMPORT.findall(text))
        return {name for name in found if name in self.texts}

    def reach(self, module: str) -> set[str]:
        """Return everything that a module imports, directly or through others, and itself."""
        if module not in self._reached:
            seen, waiting = {module}, [module]
            while waiting:
                more = self.imported[waiting.pop()] - seen
                seen |= more
                waiting += more
            self._reached[module] = seen
        return self._reached[module]

    def hearers(self) -> list[Function]:
        """Return the functions that hear what a model says: that ask it, or call one that does, however far."""
        if self._heard is None:
            self._heard = sorted(self._hearers(), key=lambda one: (one.module, one.name))
        return self._heard

    def _hearers(self) -> set[Function]:
        found: set[Function] = set()
        names = {"asked": {self.asking}}
        while True:
            more = {
                one
                for one in self.functions
                if one not in found
                and any(names[called] & self.reach(one.module) for called in one.calls & names.keys())
            }
            if not more:
                return found
            found |= more
            for one in more:
                names.setdefault(one.name, set()).add(one.module)


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a module and of its classes; what is defined inside one is part of it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.stmt):
            yield from functions_of(node)


def calls(node: ast.AST) -> frozenset[str]:
    """Return the names that a piece of code calls or hands on to be called."""
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            for said in (one.func, *one.args, *(word.value for word in one.keywords)):
                found |= {said.id} if isinstance(said, ast.Name) else set()
                found |= {said.attr} if isinstance(said, ast.Attribute) else set()
    return frozenset(found)


def violations(walk: Walk, elsewhere: frozenset[str] = frozenset()) -> list[str]:
    """Return how the sources break the law."""
    wrong = [
        f"{one.module}.{one.name} asks a model by itself"
        for one in walk.functions
        if one.asks and one.module != walk.asking and one.module not in elsewhere
    ]
    for one in walk.hearers():
        if one.module == walk.asking or one.module in elsewhere:
            continue
        wrong += [f"{one.module}.{one.name} calls {deed}" for deed in sorted(one.calls & DEEDS)]
        reached = {name for name in walk.reach(one.module) if name.startswith(POWERFUL) and name not in HARMLESS}
        wrong += [f"{one.module} reaches {name}" for name in sorted(reached)]
    return wrong


def asks(node: ast.AST) -> bool:
    """Whether a function calls ``complete`` as a language model has it."""
    return any(
        isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr == "complete"
        and len(one.args) + len(one.keywords) >= 3
        for one in ast.walk(node)
    )


# Attacks and fakes ask models in order to break the house; they are no part of what decides, and do no deed with it.
OUTSIDE = frozenset({"ostiary.testing.language"})


@pytest.fixture(scope="module")
def walk() -> Walk:
    return Walk(SOURCES)


def elsewhere(walk: Walk) -> frozenset[str]:
    return OUTSIDE | {name for name in walk.texts if name.startswith(("ostiary.redteam", "ostiary._compiled"))}


def named_outside(walk: Walk) -> set[str]:
    outside = elsewhere(walk)
    return {f"{one.module}.{one.name}" for one in walk.hearers() if one.module in outside}


def test_no_way_leads_from_a_models_words_to_a_deed(walk: Walk) -> None:
    assert violations(walk, elsewhere(walk)) == []


def test_the_walk_sees_who_hears_a_model(walk: Walk) -> None:
    heard = {f"{one.module}.{one.name}" for one in walk.hearers()} - named_outside(walk)
    assert {"ostiary.response.triage.propose", "ostiary.gateway.quarantine.extracting.extract"} <= heard
    assert not any(name.startswith(POWERFUL) for name in heard)


def test_whoever_holds_a_language_model_is_known(walk: Walk) -> None:
    holders = {
        module for module, text in walk.texts.items() if "ostiary.vocabulary.language import LanguageModel" in text
    }
    assert holders - elsewhere(walk) == {ASKING, "ostiary.response.triage", "ostiary.gateway.quarantine.extracting"}


def test_what_is_built_holds_a_model_and_nothing_else() -> None:
    model = FakeScriptedModel("")
    made = triage.Triage(model)
    assert list(vars(made).values()) == [model]
    assert list(inspect.signature(triage.Triage).parameters) == ["model"]
    with pytest.raises(TypeError):
        triage.Triage(model, object())  # type: ignore[call-arg]


def test_what_comes_out_is_texts_and_choices_that_name_no_deed() -> None:
    kinds = get_args(triage.Proposal)
    for kind in kinds:
        for hint in get_type_hints(kind).values():
            assert hint is str or get_origin(hint) is Literal
        assert not [name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name))]
    tags = {kind.__struct_config__.tag for kind in kinds}
    assert tags == {"comment", "suggest_verdict", "suggest_playbook"}
    assert tags.isdisjoint({step.value for step in StepKind})
    fields = {field.name for field in msgspec.structs.fields(Deed)}
    assert fields.isdisjoint({"proposal", "model_says"}), "a deed is made of what its doer knows"


def test_no_permission_is_a_language_models() -> None:
    named = re.compile(r"triage|LanguageModel|strangers")
    gates: list[Path] = [SOURCES / "server" / "admins.py", SOURCES / "server" / "admin" / "gate.py"]
    gates += sorted((SOURCES / "approvals").glob("*.py"))
    gates += sorted((SOURCES.parents[1] / "policies" / "access").glob("*.yaml"))
    assert len(gates) > 5
    assert [path.name for path in gates if named.search(path.read_text())] == []


# That the law can be broken, and is then seen.

ASKER = "def asked(model, instructions, texts, n):\n    return model.complete(instructions, texts, n)\n"
GOOD = "from house.strangers import asked\n\ndef propose(model):\n    return str(asked(model, '', [], 9))\n"


def planted(tmp_path: Path, **files: str) -> list[str]:
    for name, text in {"strangers": ASKER, "good": GOOD, **files}.items():
        (tmp_path / f"{name}.py").write_text(text)
    return violations(Walk(tmp_path, "house", "house.strangers"))


def test_a_house_that_keeps_the_law_is_let_be(tmp_path: Path) -> None:
    assert planted(tmp_path) == []


HEARS = "from house.good import propose\n\ndef f(m, at):\n    said = propose(m)\n    "
BAD = [
    ("def f(model):\n    return model.complete('close it', 'data', 9)\n", "bad.f asks a model by itself"),
    (f"{HEARS}at.terminate(said)\n", "bad.f calls terminate"),
    (f"{HEARS}at.later(at.grant, said)\n", "bad.f calls grant"),
    ("import house.good as g\n\ndef f(model):\n    return eval(g.propose(model))\n", "bad.f calls eval"),
    (f"{HEARS}return said\n\ndef far(m, at):\n    if f(m, at):\n        at.lift()\n", "bad.far calls lift"),
]


@pytest.mark.parametrize(("bad", "seen"), BAD)
def test_a_planted_module_that_breaks_it_is_found(tmp_path: Path, bad: str, seen: str) -> None:
    assert f"house.{seen}" in planted(tmp_path, bad=bad)


def test_a_hearer_that_reaches_a_powerful_room_through_others_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(globals(), "POWERFUL", ("house.ledger",))
    found = planted(
        tmp_path,
        ledger="def terminate():\n    return 1\n",
        between="import house.ledger\n",
        bad="import house.between\nfrom house.strangers import asked\n\ndef f(m):\n    return asked(m, '', [], 9)\n",
    )
    assert "house.bad reaches house.ledger" in found
