"""static/js/signing.js and the agent's pages in a real browser, as the approver sees them on a narrow screen."""

import base64
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect, sync_playwright

from config.security import SIGNING
from signing_agent.inbox import LIFETIME, Inbox
from signing_agent.keys import KeyFile
from signing_agent.server import Agent
from tests.workflows.certificates import PIN, World, manifest
from workflows.manifest import read_manifest

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "js" / "signing.js"
PUBLIC = "https://hoso.example.gov.vn"
BODY = manifest()
STATES = ("asking", "pairing", "waiting", "signed", "refused", "expired", "unreachable", "failed")
PAGE = """<!doctype html><meta charset="utf-8"><title>Page</title>
<form method="post" action="/approve" data-signing data-signing-manifest="{manifest}" data-signing-agent="{agent}">
<input type="hidden" name="signature" data-signing-output>
<button type="button" data-signing-start disabled>Ký số</button>
<button type="button" data-signing-cancel hidden>Dừng chờ</button>
<a data-signing-link target="_blank" hidden>Mở trang ký số</a>
{states}
</form><script src="/signing.js" defer></script>"""


def page_for(agent):
    states = "".join(f'<p data-signing-state="{state}" hidden>{state}</p>' for state in STATES)
    return PAGE.format(manifest=base64.b64encode(BODY).decode(), agent=agent, states=states)


class Site(ThreadingHTTPServer):
    """Stands for the server: one page with the form, and what was posted to it. Sends the header that the real page sends."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SiteHandler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.agent, self.posted = "", []


class SiteHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/signing.js":
            return self.answer(SCRIPT.read_bytes(), "text/javascript")
        return self.answer(page_for(self.server.agent).encode(), "text/html")

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.posted.append(base64.b64decode(form["signature"][0]))
        self.answer("Đã nhận chữ ký".encode(), "text/html; charset=utf-8")

    def answer(self, body, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in SIGNING.items()))
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture
def served():
    """Starts servers in threads, stops them at the end."""
    running = []

    def serve(server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield serve
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site(served):
    return served(Site())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def codes():
    return []


@pytest.fixture
def agent(served, site, world, codes, clock):
    started = served(Agent(port=0, origins=[site.origin], waiting=Inbox(key=KeyFile(world.key()), announce=codes.append, clock=clock)))
    site.agent = started.address
    return started


@pytest.fixture(scope="module")
def chromium():
    """Debian's browser. Not pytest-playwright's session-long fixture: while Playwright runs, Django takes this thread for an asynchronous one."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def window(chromium, site, agent):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN")
    page = context.new_page()
    page.goto(site.origin)
    yield page
    context.close()


def press_start(window):
    """Press the button; the agent's own window, once it has loaded."""
    with window.context.expect_page() as opened:
        window.get_by_role("button", name="Ký số").click()
    return opened.value


def state(window):
    return window.locator("form").get_attribute("data-signing-now")


def pair(agent_window, codes):
    agent_window.get_by_label("Mã ghép nối").fill(codes[-1])
    agent_window.get_by_role("button", name="Ghép nối").click()


def sign(agent_window, pin=PIN):
    agent_window.get_by_label("Mã PIN").fill(pin)
    agent_window.get_by_role("button", name="Ký số").click()


def test_pair_once_then_sign_twice(window, agent, site, codes, world):
    # given a browser that was never paired
    own = press_start(window)
    expect(window.get_by_text("pairing")).to_be_visible()

    # when the person types the code and the PIN in the agent's window
    pair(own, codes)
    expect(own.get_by_text("Cập nhật 200 hồ sơ quý IV", exact=True)).to_be_visible()
    expect(window.get_by_text("waiting")).to_be_visible()
    sign(own)

    # then our page sends the form by itself
    expect(own.get_by_text("Đã ký số")).to_be_visible()
    expect(window.get_by_text("Đã nhận chữ ký")).to_be_visible()

    # and the second time only the PIN is asked
    window.goto(site.origin)
    sign(press_start(window))
    expect(window.get_by_text("Đã nhận chữ ký")).to_be_visible()
    assert len(site.posted) == 2
    assert all(signature.startswith(b"\x30\x82") for signature in site.posted)


def test_the_agents_page_cannot_reach_ours_nor_ours_the_agents(window, agent, codes):
    own = press_start(window)
    own.wait_for_url("**/pair/*")

    assert own.evaluate("window.opener") is None


def test_a_wrong_pin_is_said_and_the_page_goes_on_waiting(window, agent, codes, site):
    own = press_start(window)
    pair(own, codes)

    sign(own, "000000")
    expect(own.get_by_role("alert")).to_have_text("Mã PIN không đúng. Còn 4 lần thử.")
    sign(own)

    expect(window.get_by_text("Đã nhận chữ ký")).to_be_visible()


def test_refusing_ends_the_waiting_and_sends_nothing(window, agent, codes, site):
    own = press_start(window)
    pair(own, codes)

    own.get_by_role("button", name="Không ký").click()

    expect(window.get_by_text("refused")).to_be_visible()
    expect(window.get_by_role("button", name="Ký số")).to_be_enabled()
    assert site.posted == []


def test_without_an_agent_the_page_says_so(window, site, served, world):
    # given an address where nobody listens any more
    gone = Agent(port=0, origins=[site.origin], waiting=Inbox(key=KeyFile(world.key()), announce=lambda code: None))
    gone.server_close()
    site.agent = gone.address
    window.reload()

    window.get_by_role("button", name="Ký số").click()

    expect(window.get_by_text("unreachable")).to_be_visible()


def test_an_agent_that_does_not_know_this_site_is_unreachable_to_it(window, site, served, world):
    other = served(Agent(port=0, origins=["https://other.gov.vn"], waiting=Inbox(key=KeyFile(world.key()), announce=lambda code: None)))
    site.agent = other.address
    window.reload()

    window.get_by_role("button", name="Ký số").click()

    expect(window.get_by_text("unreachable")).to_be_visible()


def test_an_expired_request_is_said(window, agent, codes, clock):
    own = press_start(window)
    pair(own, codes)
    expect(window.get_by_text("waiting")).to_be_visible()

    clock.now += LIFETIME

    expect(window.get_by_text("expired")).to_be_visible()


def test_the_person_may_stop_waiting(window, agent, codes):
    press_start(window)
    expect(window.get_by_text("pairing")).to_be_visible()

    window.get_by_role("button", name="Dừng chờ").click()

    expect(window.get_by_role("button", name="Ký số")).to_be_enabled()
    assert state(window) == "idle"


def test_where_windows_are_blocked_a_link_opens_it(window, agent, codes):
    window.evaluate("window.open = () => null")
    window.get_by_role("button", name="Ký số").click()

    with window.context.expect_page() as opened:
        window.get_by_role("link", name="Mở trang ký số").click()
    pair(opened.value, codes)
    sign(opened.value)

    expect(window.get_by_text("Đã nhận chữ ký")).to_be_visible()


@pytest.mark.parametrize("body", [BODY, manifest(title="Ư" * 500, excluded=range(1, 199, 2))], ids=["plain", "long"])
def test_the_agents_page_fits_a_narrow_screen(window, agent, codes, tmp_path, body):
    assert read_manifest(body)
    window.evaluate("body => document.querySelector('form').dataset.signingManifest = body", base64.b64encode(body).decode())
    own = press_start(window)
    pair(own, codes)
    expect(own.get_by_label("Mã PIN")).to_be_focused()
    for details in own.locator("summary").all():
        details.click()

    assert own.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture
def public(chromium, served, world, codes):
    """A page on a public https origin, and an agent that knows it. Chrome asks its person before it lets such a page reach this machine."""
    agent = served(Agent(port=0, origins=[PUBLIC], waiting=Inbox(key=KeyFile(world.key()), announce=codes.append)))
    context = chromium.new_context()
    page = context.new_page()
    page.route(f"{PUBLIC}/", lambda route: route.fulfill(body=page_for(agent.address), content_type="text/html"))
    page.route(f"{PUBLIC}/signing.js", lambda route: route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript"))
    page.goto(f"{PUBLIC}/")
    yield page
    context.close()


def test_a_public_page_reaches_the_agent_once_the_person_allowed_it(public, codes):
    public.context.grant_permissions(["local-network-access"], origin=PUBLIC)

    pair(press_start(public), codes)

    expect(public.get_by_text("waiting")).to_be_visible()


def test_a_public_page_without_the_persons_leave_says_that_it_cannot_reach_it(public):
    public.get_by_role("button", name="Ký số").click()

    expect(public.get_by_text("unreachable")).to_be_visible()
