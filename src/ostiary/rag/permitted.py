"""Which rules let an asker in: the numbers that go into the query.

- Only rules that name one of the asker's principals in an allowing step are looked at (an index from principal to
  rules), so that the work says nothing of how many others there are.
- A rule's number never changes its meaning (``rag.book``): what was found for a set of principals stays true, and only
  newer rules are looked at next time. The memory is keyed by tenant, index, source and the whole set of principals.
- Too many rules for one query refuse, and are not cut off.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from typing import Final

from ostiary.errors import RefusedError
from ostiary.rag.book import Book
from ostiary.rag.rights import Rule, opening, permits

MAX_RULES: Final = 50_000
MAX_REMEMBERED: Final = 4096
_Key = tuple[str, frozenset[str]]


class _Index:
    """Rules of one index, by source and by whom they may let in."""

    def __init__(self) -> None:
        self.upto = 0
        self.rules: dict[int, Rule] = {}
        self.opening: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.found: OrderedDict[_Key, tuple[int, frozenset[int]]] = OrderedDict()

    def learn(self, number: int, source: str, rule: Rule) -> None:
        self.rules[number] = rule
        for name in opening(rule):
            self.opening[source][name].append(number)
        self.upto = number

    def permitted(self, source: str, principals: frozenset[str]) -> frozenset[int]:
        key = (source, principals)
        upto, before = self.found.get(key, (0, frozenset[int]()))
        if upto < self.upto:
            opened = self.opening[source]
            seen = {number for name in principals for number in opened.get(name, ()) if number > upto}
            before |= {number for number in seen if permits(self.rules[number], principals)}
            self.found[key] = (self.upto, before)
        self.found.move_to_end(key)
        if len(self.found) > MAX_REMEMBERED:
            self.found.popitem(last=False)
        return before


class Permitted:
    """Answers for all indexes; safe for several threads."""

    def __init__(self, book: Book) -> None:
        """Take where rules are kept."""
        self._book = book
        self._known: dict[tuple[str, str], _Index] = defaultdict(_Index)
        self._lock = threading.Lock()

    def of(self, tenant: str, index: str, principals: Mapping[str, frozenset[str]]) -> frozenset[int]:
        """Return the numbers of all rules that let in whoever has these principals, by source.

        Raises:
            RefusedError: ``rag_too_many_rules``.
        """
        with self._lock:
            known = self._known[tenant, index]
            for number, source, rule in self._book.rules(tenant, index, known.upto):
                known.learn(number, source, rule)
            found = [known.permitted(source, names) for source, names in principals.items() if names]
        numbers = frozenset[int]().union(*found)
        if len(numbers) > MAX_RULES:
            raise RefusedError("rag_too_many_rules", f"the asker's rights are more than {MAX_RULES} rules")
        return numbers

    def forget(self, tenant: str, index: str) -> None:
        """Forget an index: when it is filled anew, its numbers begin anew."""
        with self._lock:
            self._known.pop((tenant, index), None)
