"""``@requires``: a function that runs only when the one who calls the application may do what it does.

    @requires("read", "document:{doc_id}")
    async def show(doc_id: str) -> str: ...

Who is calling is what the middleware read from the request; without one the function is refused. The resource's type
stands before the first colon and is never taken from an argument.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import msgspec

from ostiary_sdk.answers import Decision
from ostiary_sdk.asgi import without_unknown
from ostiary_sdk.current import Calling, calling
from ostiary_sdk.incoming import Access, asked_for
from ostiary_sdk.questions import Question, QuestionError, pair
from ostiary_sdk.refusals import RefusedError

P = ParamSpec("P")
T = TypeVar("T")
Naming = str | Callable[..., tuple[str, str]]


def requires(
    action: str, resource: Naming, *, understands: frozenset[str] = frozenset()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function run only with permission.

    Args:
        action: the action's name.
        resource: ``type:id`` with the function's arguments in braces, or a function of them that returns both.
        understands: types of obligations that the function carries out.

    Raises:
        RefusedError: (by the decorated function) it may not run; the middleware answers with it.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def careful(*args: P.args, **kwargs: P.kwargs) -> Any:
                who, asked = _question(action, resource, signature, args, kwargs)
                if who.async_client is not None:
                    decision = await who.async_client.ask(asked)
                else:
                    decision = await asyncio.to_thread(_ask, who, asked)
                _check(decision, understands)
                return await function(*args, **kwargs)

            return cast("Callable[P, T]", careful)

        @functools.wraps(function)
        def careful_too(*args: P.args, **kwargs: P.kwargs) -> T:
            who, asked = _question(action, resource, signature, args, kwargs)
            _check(_ask(who, asked), understands)
            return function(*args, **kwargs)

        return careful_too

    return decorate


def _ask(who: Calling, asked: Question) -> Decision:
    return Decision.failed("client_missing") if who.client is None else who.client.ask(asked)


def _question(
    action: str, resource: Naming, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Calling, Question]:
    who = calling.get()
    if who is None:
        raise RefusedError(Decision.failed("caller_unknown"))
    try:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        named = _named(resource, bound.arguments)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        raise RefusedError(Decision.failed("resource_unknown")) from None
    told = who.access
    access = Access(action=action, resource=named)
    if told is not None:  # whom the application signed in itself, its mapping has said
        who_asks = {"subject": told.subject, "session_id": told.session_id, "context": told.context}
        access = msgspec.structs.replace(access, **who_asks)
    asked = asked_for(access, who.got, who.shown, who.public_url)
    if isinstance(asked, Decision):
        raise RefusedError(asked)
    return who, asked


def _named(resource: Naming, arguments: dict[str, Any]) -> tuple[str, str]:
    if callable(resource):
        return pair(resource(**arguments))
    kind, colon, template = resource.partition(":")
    if not colon or "{" in kind:
        raise QuestionError("question_invalid")
    return kind, template.format_map(arguments)


def _check(decision: Decision, understands: frozenset[str]) -> None:
    if not decision.allowed:
        raise RefusedError(decision)
    denied = without_unknown(decision, understands)
    if denied is not None:
        raise RefusedError(denied)
