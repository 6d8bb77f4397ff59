"""The sandbox's one page: what it received, what it holds, and the switches of the faults. Plain HTML without a script."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from exchange.sandbox.faults import TEXTS, Fault
from exchange.sandbox.people import answer
from exchange.sandbox.sides import HUB, PARTY, POPULATION, Call

if TYPE_CHECKING:
    from exchange.sandbox.app import Sandbox

Shown = tuple[int, list[tuple[str, str]], bytes]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
SHARES = (("0", "Tắt"), ("0.2", "1 trong 5"), ("0.5", "1 trong 2"), ("1", "Luôn luôn"))
STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1f2733; background: #f6f7f9 }
body { max-width: 1080px; margin: 0 auto; padding: 26px 18px 60px } h1 { font-size: 23px; margin: 0 } h2 { font-size: 17px; margin: 30px 0 10px }
p { margin: 4px 0; color: #5b6675 } .card { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; overflow-x: auto }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-size: 13px; color: #5b6675; background: #fafbfc }
th, td { padding: 7px 14px; border-top: 1px solid #eceff2; vertical-align: middle } tr:first-child > * { border-top: 0 } td.n { text-align: right }
small { display: block; color: #5b6675 } form { display: flex; gap: 4px; margin: 0; flex-wrap: wrap }
button { font: inherit; font-size: 13.5px; padding: 4px 11px; border: 1px solid #cfd5dc; border-radius: 6px; background: #fff; cursor: pointer }
button[aria-pressed=true] { background: #1f4e8c; border-color: #1f4e8c; color: #fff } tr.on td { background: #fdf3e1 }
button:focus-visible { outline: 2px solid #1f4e8c; outline-offset: 2px } dl { display: flex; gap: 8px 34px; flex-wrap: wrap; margin: 14px 0 0 }
dt { color: #5b6675; font-size: 13px } dd { margin: 0; font-size: 22px; font-weight: 600 } .nowrap { white-space: nowrap }
"""


def page_or_none(sandbox: Sandbox, call: Call) -> Shown | None:
    """The page's answer, or None for a call that is not the page's."""
    if call.path == "/" and call.method in ("GET", "HEAD"):
        return _html(sandbox)
    if call.path == "/state.json" and call.method == "GET":
        return _json(sandbox)
    if call.path in ("/faults", "/agree") and call.method == "POST":
        return _switch(sandbox, call)
    return None


def _switch(sandbox: Sandbox, call: Call) -> Shown:
    """A form of the page, or a program on this machine; never another site's page in somebody's browser."""
    origin = call.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != call.headers.get("host"):
        return 403, [("Content-Type", "text/plain")], b"only from the sandbox's own page"
    form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
    try:
        if call.path == "/faults":
            sandbox.faults.set(Fault(form.get("fault", "")), float(form.get("share", "")))
        else:
            population = sandbox.sides[POPULATION]
            population.agree(form.get("number", ""))  # type: ignore[attr-defined]
    except ValueError as error:
        return 400, [("Content-Type", "text/plain; charset=utf-8")], str(error).encode()
    return 303, [("Location", "/"), ("Content-Length", "0")], b""


def _json(sandbox: Sandbox) -> Shown:
    """For programs: switches, how often each fault struck, and how many each side holds."""
    state = {
        "faults": {fault.value: sandbox.faults.shares.get(fault, 0.0) for fault in Fault},
        "struck": {fault.value: count for fault, count in sandbox.faults.struck.items()},
        "holds": {name: len(sandbox.store.holdings(name)) for name in sandbox.sides},
    }
    return 200, [("Content-Type", "application/json")], json.dumps(state).encode()


def _html(sandbox: Sandbox) -> Shown:
    held = {name: sandbox.store.holdings(name) for name in (POPULATION, PARTY, HUB)}
    apart = [(number, one) for number, one in held[POPULATION] if _differs(number, one)]
    figures = (
        ("Dân cư đã được hỏi", len(held[POPULATION])),
        ("trong đó không khớp", len(apart)),
        ("CSDL đảng viên lưu", len(held[PARTY])),
        ("Nền tảng quốc gia lưu", len(held[HUB])),
    )
    body = f"""<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sandbox</title>
<style>{STYLE}</style><h1>Sandbox</h1><p>Đóng vai trục NDXP, nền tảng quốc gia, CSDL dân cư và CSDL đảng viên trên máy này. Dữ liệu do máy bịa ra.</p>
<dl>{"".join(f"<div><dt>{escape(name)}</dt><dd>{count}</dd></div>" for name, count in figures)}</dl>
<h2>Lỗi có thể bật</h2><div class="card"><table>{"".join(_fault(sandbox, fault) for fault in Fault)}</table></div>
<h2>Đã nhận gần đây</h2><div class="card"><table><tr><th>Giờ (UTC)<th>Bên<th>Lời gọi<th>Byte<th>Trả lời<th>Lỗi đã xảy ra</tr>
{"".join(_call_row(*one) for one in sandbox.store.calls()) or "<tr><td colspan=6>Chưa nhận gì.</td></tr>"}</table></div>
<h2>CSDL dân cư không khớp với hồ sơ</h2><p>“Công an sửa”: từ nay CSDL dân cư lưu đúng như đã được hỏi.</p>
<div class="card"><table>{"".join(_apart(number, one) for number, one in apart[:100]) or "<tr><td>Không có.</td></tr>"}</table></div></html>"""
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
    ]
    return 200, headers, body.encode()


def _fault(sandbox: Sandbox, fault: Fault) -> str:
    share, struck = sandbox.faults.shares.get(fault, 0.0), sandbox.faults.struck.get(fault, 0)
    buttons = "".join(
        f'<button name="share" value="{value}" aria-pressed="{str(float(value) == share).lower()}">{text}</button>' for value, text in SHARES
    )
    vietnamese, english = TEXTS[fault]
    what = f"<td>{escape(vietnamese)}<small>{fault}: {escape(english)}</small>"
    form = f'<form method="post" action="/faults"><input type="hidden" name="fault" value="{fault}">{buttons}</form>'
    times = f"đã xảy ra {struck} lần" if struck else ""
    return f'<tr{" class=on" if share else ""}>{what}<td class="nowrap">{times}<td>{form}</tr>'


def _call_row(at: str, side: str, what: str, size: int, status: int, faults: str) -> str:
    return (
        f'<tr><td class="nowrap">{escape(at)}<td>{escape(side)}<td>{escape(what)}<td class="n">{size}<td class="n">{status}<td>{escape(faults)}</tr>'
    )


def _differs(number: str, one: dict[str, Any]) -> bool:
    """Does the database hold somebody else than it was asked about last? Another spelling is nobody else."""
    asked = one.get("asked")
    return asked is not None and answer({"ref": "", "citizen_id": number, **asked}, one)["code"] != "MATCHED"


def _apart(number: str, one: dict[str, object]) -> str:
    asked, held = one.get("asked", {}), _values(one)
    values = "; ".join(f"{asked.get(name)} ≠ {value}" for name, value in held.items() if asked.get(name) != value)  # type: ignore[attr-defined]
    said = values if one["state"] == "standing" else str(one["state"])
    form = f'<form method="post" action="/agree"><input type="hidden" name="number" value="{escape(number)}"><button>Công an sửa</button></form>'
    return f"<tr><td>{escape(number)}<td>{escape(said)}<td>{form}</tr>"


def _values(one: dict[str, object]) -> dict[str, object]:
    return {name: one[name] for name in ("birth_name", "birth_date", "gender") if name in one}
