"""The agent as the network sees it: a real server on a real port, spoken to with real requests."""

import base64
import http.client
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from html import unescape
from urllib.parse import urlencode, urlsplit

import pytest
from asn1crypto import cms

from signing_agent.__main__ import main
from signing_agent.inbox import LIFETIME, MAX_TRIES, MAX_WAITING, Inbox
from signing_agent.keys import KeyFile
from signing_agent.server import MAX_BODY, Agent
from tests.workflows.certificates import AN, PIN, World, manifest
from workflows.cms import verify_detached
from workflows.trust import TrustStore

ORIGIN = "https://hoso.example.gov.vn"
BODY = manifest()


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Desk:
    """What a page of `origin` and the person at the keyboard can do with the agent."""

    def __init__(self, agent, codes, origin=ORIGIN):
        self.agent, self.codes, self.origin, self.token = agent, codes, origin, ""

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=5)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def api(self, method, path, payload=None, *, token=None, **headers):
        sent = {"Origin": self.origin, "Authorization": f"Bearer {self.token if token is None else token}", **headers}
        if payload is not None:
            sent.setdefault("Content_Type", "application/json")
        answer = self.send(method, path, None if payload is None else json.dumps(payload), **sent)
        answer.json = json.loads(answer.text) if answer.text else None
        return answer

    def ask(self, body=BODY, **options):
        return self.api("POST", "/requests", {"manifest": base64.b64encode(body).decode()}, **options)

    def ask_to_pair(self, body=BODY):
        return self.api("POST", "/pairings", {"manifest": base64.b64encode(body).decode()})

    def submit(self, path, *, page=None, **fields):
        """Open the agent's page at `path`, fill its form in, and send it as a browser does."""
        page = page or self.send("GET", path).text
        form = {"token": re.search(r'name="token" value="([^"]+)"', page)[1], **fields}
        action = re.search(r'<form method="post" action="([^"]+)"', page)[1]
        return self.send("POST", action, urlencode(form), Origin=self.agent.address, Content_Type="application/x-www-form-urlencoded")

    def pair(self):
        pairing = self.ask_to_pair().json
        self.submit(urlsplit(pairing["url"]).path, code=self.codes[-1])
        answer = self.api("GET", f"/pairings/{pairing['id']}", token=pairing["secret"]).json
        self.token = answer["token"]
        return answer["request"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def p12(world):
    return world.key()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(p12, clock):
    codes = []
    with Agent(port=0, origins=[ORIGIN], waiting=Inbox(key=KeyFile(p12), announce=codes.append, clock=clock)) as agent:
        thread = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Desk(agent, codes)
        agent.shutdown()
        thread.join()


def sign_path(answer):
    return urlsplit(answer.json["url"]).path


# The way it is meant


def test_pair_read_sign_and_fetch(desk, world):
    # given a browser that was never here
    assert desk.ask().status == 401

    # when the person types the code, reads the manifest and types the PIN
    request = desk.pair()
    page = desk.send("GET", f"/sign/{request}").text
    done = desk.submit(f"/sign/{request}", decision="sign", pin=PIN)

    # then the page that asked finds a signature that holds
    answer = desk.api("GET", f"/requests/{request}").json
    assert "Cập nhật 200 hồ sơ quý IV" in page
    assert "Đã ký số" in done.text
    assert answer["state"] == "signed"
    signature = base64.b64decode(answer["signature"])
    moment = signing_time(signature)
    assert verify_detached(content=BODY, signature=signature, moment=moment, trust=TrustStore.load(world.trust)).common_name == AN.name


def signing_time(signature):
    attributes = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]["signed_attrs"]
    return next(item["values"][0].native for item in attributes if item["type"].native == "signing_time")


def test_a_paired_browser_only_needs_the_pin(desk):
    desk.pair()

    second = desk.ask(manifest(title="Đề nghị thứ hai"))
    desk.submit(sign_path(second), decision="sign", pin=PIN)

    assert desk.api("GET", f"/requests/{second.json['id']}").json["state"] == "signed"


def test_the_page_says_everything_that_the_manifest_says(desk):
    desk.pair()
    body = manifest(title="Sáp nhập <b>Phòng</b> & Ban", count=12_345, kinds={"staff_profile": 12_000, "org_unit": 345}, excluded=[0, 1, 2, 10])

    page = unescape(desk.send("GET", sign_path(desk.ask(body))).text)

    for said in (
        "Sáp nhập <b>Phòng</b> & Ban",
        "Sở Nội vụ tỉnh Đắk Lắk",
        "H15",
        "12.341</strong> trên 12.345",
        "12.000 hồ sơ cán bộ, công chức, viên chức",
        "345 đơn vị trong cây tổ chức",
        "4 bản ghi",
        "1-3, 11",
        "Nguyễn Văn An",
        "02/11/2026 16:00:00",
        "00010203 04050607",
        "00000000-0000-0000-0000-000000000001",
        ORIGIN,
    ):
        assert said in page


def test_what_comes_from_outside_is_escaped(desk):
    desk.pair()
    body = manifest(title='<script>alert(1)</script>"', unit_name="<img src=x>", decider={"name": "<i>", "user": "'\"><b>"})

    page = desk.send("GET", sign_path(desk.ask(body))).text

    assert not re.search(r"<(script|img|i|b)\b", page)


def test_the_person_may_refuse(desk):
    request = desk.pair()

    page = desk.submit(f"/sign/{request}", decision="refuse", pin=PIN)

    assert "Đã từ chối ký" in page.text
    assert desk.api("GET", f"/requests/{request}").json == {"state": "refused", "signature": None}


def test_a_decision_stands(desk):
    # given a refused request whose page is still open in another window
    request = desk.pair()
    page = desk.send("GET", f"/sign/{request}").text
    desk.submit(f"/sign/{request}", page=page, decision="refuse")

    desk.submit(f"/sign/{request}", page=page, decision="sign", pin=PIN)

    assert desk.api("GET", f"/requests/{request}").json["state"] == "refused"


# Who may ask


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", ORIGIN + ".evil.example", ORIGIN.replace("https", "http"), ORIGIN + ":8443", "*"]
)
@pytest.mark.parametrize("path", ["/requests", "/pairings"])
def test_another_origin_may_not_ask(desk, origin, path):
    desk.pair()

    answer = desk.send("POST", path, json.dumps({"manifest": base64.b64encode(BODY).decode()}), Origin=origin, Content_Type="application/json")

    assert answer.status == 403
    assert answer.getheader("Access-Control-Allow-Origin") is None


def test_a_request_without_an_origin_may_not_ask(desk):
    assert desk.send("POST", "/requests", "{}", Content_Type="application/json").status == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}", "127.0.0.1.evil.example:{port}", ""])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/requests"), ("OPTIONS", "/requests"), ("POST", "/sign/x")])
def test_another_name_for_this_machine_gets_nothing(desk, host, method, path):
    answer = desk.send(method, path, "{}" if method == "POST" else None, Host=host.format(port=desk.agent.port), Origin=ORIGIN)

    assert (answer.status, answer.text) == (421, "")


def test_a_preflight_lets_the_named_origin_in_and_says_so_for_this_machine(desk):
    asked = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Private_Network": "true",
        "Access_Control_Request_Local_Network": "true",
    }

    answer = desk.send("OPTIONS", "/requests", Origin=ORIGIN, **asked)

    assert answer.status == 204
    assert answer.getheader("Access-Control-Allow-Origin") == ORIGIN
    assert answer.getheader("Access-Control-Allow-Headers") == "authorization, content-type"
    assert answer.getheader("Access-Control-Allow-Private-Network") == answer.getheader("Access-Control-Allow-Local-Network") == "true"
    assert answer.getheader("Access-Control-Allow-Credentials") is None
    assert "Origin" in answer.getheader("Vary")


def test_a_preflight_keeps_others_out(desk):
    answer = desk.send("OPTIONS", "/requests", Origin="https://evil.example", Access_Control_Request_Private_Network="true")

    assert answer.status == 403
    assert not [name for name, _ in answer.getheaders() if name.startswith("Access-Control")]


def test_an_answer_is_for_the_one_origin_that_asked(desk):
    assert desk.ask().getheader("Access-Control-Allow-Origin") == ORIGIN


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_without_pairing_nothing_is_shown(desk, token):
    desk.pair()

    assert (desk.ask(token=token.encode().decode("latin-1")).status, desk.ask(token=token.encode().decode("latin-1")).json["error"]) == (
        401,
        "not_paired",
    )


def test_a_token_belongs_to_its_origin(p12):
    codes = []
    with Agent(port=0, origins=[ORIGIN, "https://other.gov.vn"], waiting=Inbox(key=KeyFile(p12), announce=codes.append)) as agent:
        thread = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        first, other = Desk(agent, codes), Desk(agent, codes, "https://other.gov.vn")
        request = first.pair()
        other.token = first.token
        stolen = other.ask()
        other.pair()
        peeked = other.api("GET", f"/requests/{request}")
        agent.shutdown()
        thread.join()

    assert (stolen.status, peeked.status) == (401, 404)


# Pairing


def test_a_code_works_once(desk):
    desk.pair()
    used = desk.codes[-2]

    pairing = desk.ask_to_pair().json
    page = desk.submit(urlsplit(pairing["url"]).path, code=used)

    assert "không đúng" in page.text
    assert desk.api("GET", f"/pairings/{pairing['id']}", token=pairing["secret"]).json == {"state": "waiting", "token": None, "request": None}


def test_five_wrong_codes_make_a_new_one(desk):
    first = desk.codes[-1]
    pairing = desk.ask_to_pair().json
    path = urlsplit(pairing["url"]).path

    for _ in range(MAX_TRIES):
        desk.submit(path, code="wrong")
    desk.submit(path, code=first)

    assert len(desk.codes) == 2
    assert desk.api("GET", f"/pairings/{pairing['id']}", token=pairing["secret"]).json["token"] is None


def test_the_token_is_for_who_began_the_pairing(desk):
    pairing = desk.ask_to_pair().json
    desk.submit(urlsplit(pairing["url"]).path, code=desk.codes[-1])

    assert desk.api("GET", f"/pairings/{pairing['id']}", token="guessed").status == 401


# PINs


def test_a_wrong_pin_is_said_and_counted_and_a_right_one_forgives(desk):
    request = desk.pair()

    first = desk.submit(f"/sign/{request}", decision="sign", pin="000000")
    second = desk.submit(f"/sign/{request}", decision="sign", pin="000000")
    desk.submit(f"/sign/{request}", decision="sign", pin=PIN)
    after = desk.submit(sign_path(desk.ask()), decision="sign", pin="000000")

    assert "Còn 4 lần thử" in first.text
    assert "Còn 3 lần thử" in second.text
    assert "Còn 4 lần thử" in after.text


def test_five_wrong_pins_lock_the_program_for_every_request(desk):
    request = desk.pair()

    for _ in range(MAX_TRIES):
        page = desk.submit(f"/sign/{request}", decision="sign", pin="000000")
    other = desk.ask()
    locked = desk.submit(sign_path(other), decision="sign", pin=PIN)

    assert "tạm khóa" in page.text
    assert "tạm khóa" in locked.text
    assert desk.api("GET", f"/requests/{other.json['id']}").json["state"] == "waiting"


def test_the_pin_and_the_secrets_are_never_logged(desk, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    request = desk.pair()
    desk.submit(f"/sign/{request}", decision="sign", pin="987654")
    desk.submit(f"/sign/{request}", decision="sign", pin=PIN)

    written = caplog.text + "".join(capfd.readouterr())
    assert "POST /sign" in written
    for secret in (PIN, "987654", request, desk.token, *desk.codes):
        assert secret not in written


# Forms


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ORIGIN, "http://127.0.0.1:1", None])
def test_a_form_from_elsewhere_is_refused(desk, origin):
    request = desk.pair()
    page = desk.send("GET", f"/sign/{request}").text
    form = urlencode({"token": re.search(r'name="token" value="([^"]+)"', page)[1], "pin": PIN, "decision": "sign"})

    answer = desk.send("POST", f"/sign/{request}", form, **({"Origin": origin} if origin else {}))

    assert answer.status == 403
    assert desk.api("GET", f"/requests/{request}").json["state"] == "waiting"


@pytest.mark.parametrize("decision", ["sign", "refuse"])
@pytest.mark.parametrize("token", ["", "guess", "é"])
def test_a_form_without_its_token_is_refused(desk, decision, token):
    request = desk.pair()

    answer = desk.submit(f"/sign/{request}", token=token, pin=PIN, decision=decision)

    assert answer.status == 403
    assert desk.api("GET", f"/requests/{request}").json["state"] == "waiting"


def test_a_pairing_form_without_its_token_is_refused(desk):
    pairing = desk.ask_to_pair().json

    assert desk.submit(urlsplit(pairing["url"]).path, token="guess", code=desk.codes[-1]).status == 403


@pytest.mark.parametrize("path", ["/", "/sign/{request}", "/agent.css", "/sign/unknown"])
def test_pages_run_nothing_load_nothing_and_cannot_be_framed(desk, path):
    request = desk.pair()

    answer = desk.send("GET", path.format(request=request), Origin=ORIGIN)

    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("Cross-Origin-Opener-Policy") == "same-origin"
    assert answer.getheader("Access-Control-Allow-Origin") is None
    assert not re.search(r"<script|https?://(?!hoso\.example)", answer.text)


# What may be asked, how much, how long


@pytest.mark.parametrize(
    "body", [b"hello", b"{}", BODY + b"\n", manifest(purpose="accept")], ids=["text", "empty", "not canonical", "not for people"]
)
def test_what_is_not_a_manifest_for_people_is_not_shown(desk, body):
    desk.pair()

    assert (desk.ask(body).status, desk.ask(body).json["error"]) == (400, "bad_manifest")
    assert desk.ask_to_pair(body).status == 400


@pytest.mark.parametrize("payload", ["{", "[]", '{"manifest": 5}', '{"manifest": "%%"}', "{}", "[" * 100_000, "\xff"])
def test_a_body_of_another_shape_is_refused(desk, payload):
    desk.pair()
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {desk.token}", "Content_Type": "application/json"}

    assert desk.send("POST", "/requests", payload.encode("latin-1"), **headers).status == 400


def test_a_body_that_is_not_json_by_its_own_words_is_refused(desk):
    # text/plain would need no preflight
    assert desk.ask(Content_Type="text/plain").status == 415


@pytest.mark.parametrize(("length", "status"), [(str(MAX_BODY + 1), 413), ("-1", 411), ("1e3", 411), ("٣", 411), (None, 411)])
def test_the_length_is_bounded_before_reading(desk, length, status):
    lines = ["POST /requests HTTP/1.0", f"Host: 127.0.0.1:{desk.agent.port}", f"Origin: {ORIGIN}", "Content-Type: application/json"]
    lines += [f"Content-Length: {length}"] if length else []

    with socket.create_connection(("127.0.0.1", desk.agent.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = connection.recv(100).decode()

    assert answer.split()[1] == str(status)


def test_only_so_many_requests_wait(desk):
    desk.pair()

    statuses = [desk.ask().status for _ in range(MAX_WAITING)]

    assert statuses == [200] * (MAX_WAITING - 1) + [429]


def test_only_so_many_pairings_wait(desk):
    assert [desk.ask_to_pair().status for _ in range(MAX_WAITING + 1)] == [200] * MAX_WAITING + [429]


def test_a_request_expires(desk, clock):
    request = desk.pair()
    page = desk.send("GET", f"/sign/{request}").text

    clock.now += LIFETIME

    late = desk.submit(f"/sign/{request}", page=page, decision="sign", pin=PIN)
    assert (late.status, "quá 10 phút" in late.text) == (404, True)
    assert desk.send("GET", f"/sign/{request}").status == 404
    assert desk.api("GET", f"/requests/{request}").json["error"] == "expired"


def test_expired_requests_make_room(desk, clock):
    desk.pair()
    for _ in range(MAX_WAITING):
        desk.ask()

    clock.now += LIFETIME

    assert desk.ask().status == 200


def test_a_pairing_expires(desk, clock):
    pairing = desk.ask_to_pair().json
    clock.now += LIFETIME

    assert desk.send("GET", urlsplit(pairing["url"]).path).status == 404
    assert desk.api("GET", f"/pairings/{pairing['id']}", token=pairing["secret"]).status == 404


@pytest.mark.parametrize("path", ["/x", "/requests", "/sign", "/requests/a/b", "/../etc/passwd", "/sign/../../x", "//evil"])
def test_other_paths_are_not_there(desk, path):
    assert desk.send("GET", path, Origin=ORIGIN).status == 404


def test_it_listens_on_this_machine_only(desk):
    assert desk.agent.server_address[0] == "127.0.0.1"


# The program


def test_the_program_starts_says_where_and_stops(tmp_path, p12):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background it is ignored, and a child inherits that
    (tmp_path / "key.p12").write_bytes(p12)
    program = subprocess.Popen(
        [sys.executable, "-m", "signing_agent", "--p12", tmp_path / "key.p12", "--origin", ORIGIN, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        printed = "".join(iter(program.stdout.readline, "Nhấn Ctrl-C để tắt.\n"))
        address = urlsplit(re.search(r"http://\S+", printed)[0])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
        connection.request("GET", "/")
        page = connection.getresponse().read().decode()
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(10)

    assert re.search(r"Mã ghép nối: \d{6}\n", printed)
    assert ORIGIN in page
    assert program.returncode == 0


def test_the_program_refuses_a_file_that_is_no_key(tmp_path, capsys):
    (tmp_path / "photo.p12").write_bytes(b"JFIF")

    assert main(["--p12", str(tmp_path / "photo.p12")]) == 2
    assert "không phải là tệp khóa" in capsys.readouterr().err


def test_the_program_names_a_missing_file_and_a_taken_port(tmp_path, desk, p12, capsys):
    (tmp_path / "key.p12").write_bytes(p12)

    assert main(["--p12", str(tmp_path / "none.p12")]) == 2
    assert "none.p12" in capsys.readouterr().err
    assert main(["--p12", str(tmp_path / "key.p12"), "--port", str(desk.agent.port)]) == 2
    assert "Không khởi động được" in capsys.readouterr().err


@pytest.mark.parametrize("origin", ["*", "null", "https://*", "https://*.gov.vn", "hoso.gov.vn", "https://hoso.gov.vn/path", "file:///x", "https://"])
def test_the_program_takes_no_wildcard_origin(origin, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--p12", "x", "--origin", origin])

    assert ended.value.code == 2
    assert "--origin" in capsys.readouterr().err
