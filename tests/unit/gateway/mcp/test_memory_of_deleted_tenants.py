from ostiary.gateway.mcp.memory import Heard, McpMemory
from ostiary.vocabulary.labels import Channel, Integrity, Label

SECRET = "the plan of acme"


def _heard(tenant: str) -> Heard:
    return Heard("files/read", SECRET, Label(Channel.TOOL, tenant, integrity=Integrity.UNTRUSTED))


def test_nothing_is_kept_of_a_tenant_that_is_no_more() -> None:
    memory = McpMemory()
    for tenant in ("acme", "other"):
        memory.hear(tenant, "user:ada", [_heard(tenant)], now_ns=1)
    memory.keep_only({"other"})
    assert memory.of("acme", "user:ada", 2).heard == ()
    assert memory.of("other", "user:ada", 2).heard[0].text == SECRET
    assert not memory.of("acme", "user:ada", 2).label.untrusted  # a new tenant of that name begins anew
