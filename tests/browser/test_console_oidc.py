"""Signing in at a provider in a real Chromium: nobody is kept out, the way there and back works, and the way out."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ostiary.testing.sign_in_provider import CLIENT, SECRET, SignInProvider

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LISTEN = "document.addEventListener('securitypolicyviolation', e => console.error('csp: ' + e.violatedDirective))"


@pytest.fixture(scope="module")
def provider() -> Iterator[SignInProvider]:
    with SignInProvider("ada", "localhost") as corp:
        corp.claims |= {"groups": ["soc"], "acr": "urn:ostiary:acr:mfa"}
        yield corp


@pytest.fixture(scope="module")
def base(start_server: Callable[..., Any], provider: SignInProvider) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    corp = {
        "name": "corp",
        "title": "Example Corp",
        "issuer": provider.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "roles": [{"claim": "groups", "value": "soc", "roles": ["analyst", "owner"]}],
    }
    url = f"http://localhost:{port}"
    start_server(
        guardrails=None,
        on_port=port,
        server={"public_url": url},
        identity={"allow_http_loopback": True},
        console={"oidc": [corp]},
    )
    return url


def watched(page: Page) -> list[str]:
    complaints: list[str] = []
    page.add_init_script(LISTEN)
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    return complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_the_way_there_and_back(
    browser: Browser,
    base: str,
    provider: SignInProvider,
    scheme: Any,
    width: int,
    pictures: Callable[[Page, str], None],
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    complaints = watched(page)
    page.goto(f"{base}/sign-in?next=/me")
    assert Axe().run(page, options=RULES).response["violations"] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    pictures(page, f"sign-in-{scheme}-{width}")
    page.get_by_role("link", name="Continue with Example Corp").click()
    page.wait_for_url(f"{base}/me")
    assert page.get_by_role("heading", name="corp:ada").is_visible()
    provider.claims["acr"] = "unknown"
    page.goto(f"{base}/sign-in/with/corp?next=/me")
    pictures(page, f"confirm-{scheme}-{width}")
    provider.claims |= {"acr": "urn:ostiary:acr:mfa", "auth_time": int(page.evaluate("Date.now() / 1000"))}
    page.get_by_role("link", name="Confirm at Example Corp").click()
    page.wait_for_url(f"{base}/me")
    assert page.get_by_role("heading", name="corp:ada").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{provider.url}/leave*")
    page.goto(f"{base}/sign-in/callback?state=x")
    assert page.get_by_role("alert").inner_text().startswith("This sign-in was not begun in this browser")
    assert Axe().run(page, options=RULES).response["violations"] == []
    pictures(page, f"refused-{scheme}-{width}")
    context.close()
    assert [one for one in complaints if "the server responded with a status of 4" not in one] == []


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    place = request.config.getoption("--basetemp")

    def keep(page: Page, name: str) -> None:
        if place:
            page.screenshot(path=f"{place}/{name}.png")

    return keep
