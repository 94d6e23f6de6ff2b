"""What ``ostiary doctor`` says of the edge: proxies that nobody is, and routes that nobody asks about."""

from collections.abc import Iterator

from ostiary.server.wiring import House

Remark = tuple[bool, str, str]


def edge_remarks(house: House) -> Iterator[Remark]:
    """Yield whether something is wrong, what it is, and what mends it."""
    settings, now_ns = house.settings.edge, house.clock.now_ns()
    tenants: set[str] = set()
    for name in settings.proxies:
        pep = house.store.peps.find(name)
        if pep is None:
            yield (
                True,
                f"`edge.proxies` names `{name}`, and no enforcement point has that id",
                f"ostiary pep add {name}",
            )
        elif pep.disabled or (pep.expires_ns and pep.expires_ns <= now_ns):
            yield True, f"the proxy `{name}` is switched off or expired: all it asks about is refused", ""
        else:
            tenants.add(pep.tenant)
    routed = {route.tenant for route in settings.routes}
    for tenant in sorted(tenants - routed):
        yield False, f"no route is for tenant `{tenant}`: all that its proxies ask about is refused", ""
    for tenant in sorted(routed - tenants if settings.proxies else ()):
        yield False, f"routes are for tenant `{tenant}`, and no proxy is", "edge.proxies = one of that tenant"
