"""What the person sees: plain Vietnamese, no script, nothing from elsewhere, everything from outside escaped.

This program has one audience, the approver at their own desk, so its words stand here and not in a catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta, timezone
from html import escape
from itertools import groupby

from signing_agent.inbox import Pairing, SigningRequest, State
from workflows.manifest import Statement
from workflows.registration import Registration

VIETNAM = timezone(timedelta(hours=7))
GROUNDS = {
    "content": "nội dung đã ký có sai sót (Điều 18 Nghị định 30/2020/NĐ-CP)",
    "authority": "ký không đúng thẩm quyền hoặc trình tự",
    "decision": "quyết định làm căn cứ đã bị hủy bỏ, thu hồi hoặc thay thế",
    "judgment": "theo bản án, kết luận thanh tra, kiểm tra hoặc giải quyết khiếu nại, tố cáo",
    "key": "khóa ký bị mất hoặc bị người khác sử dụng (Luật 20/2023/QH15 về giao dịch điện tử)",
}
HEADINGS = {
    "approve": "Ký số phê duyệt",
    "revoke": "Ký số thu hồi chữ ký",
    "seal": "Ký số của cơ quan",
    "register_certificate": "Ký số đăng ký chứng thư",
}
KINDS = {"staff_profile": "hồ sơ cán bộ, công chức, viên chức", "org_unit": "đơn vị trong cây tổ chức"}

EXPIRED = "Yêu cầu này không còn: đã quá 10 phút hoặc chương trình đã khởi động lại. Hãy quay lại trang Hồ Sơ và bấm Ký số lần nữa."
TOO_MANY = "Đang có quá nhiều yêu cầu chờ ký. Hãy xử lý các yêu cầu đang mở, hoặc đợi 10 phút rồi thử lại."
WRONG_CODE = "Mã ghép nối không đúng. Hãy xem lại mã mới nhất trong cửa sổ chương trình ký số."
WRONG_PIN = "Mã PIN không đúng. Còn {left} lần thử."
LOCKED = "Mã PIN đã sai 5 lần nên chương trình tạm khóa. Hãy tắt chương trình ký số, mở lại, rồi ký lại từ trang Hồ Sơ."
DEVICE_LOCKED = "Thiết bị ký số đã tự khóa vì nhập sai mã PIN quá nhiều lần. Hãy liên hệ nơi cấp thiết bị để mở khóa."
NOT_CURRENT = "Chứng thư số không trong thời hạn hiệu lực ({period}). Hãy gia hạn hoặc chọn tệp khóa khác."
OTHER_CERTIFICATE = "Khóa này thuộc chứng thư khác ({subject}), không phải chứng thư đang đăng ký. Hãy mở chương trình với đúng khóa đó."
KEY_UNUSABLE = "Không dùng được khóa này để ký. Hãy kiểm tra lại tệp .p12 hoặc thiết bị đã chọn khi mở chương trình."
SIGNED = "Đã ký số. Trang Hồ Sơ sẽ tự tiếp tục; bạn có thể đóng cửa sổ này."
REFUSED = "Đã từ chối ký. Không có gì được gửi đi; bạn có thể đóng cửa sổ này."

STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #1d4ed8; --alert: #b91c1c; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 40rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 1rem 0 .25rem; }
dl { display: grid; grid-template-columns: minmax(7rem, 2fr) 5fr; gap: .25rem .75rem; margin: 1rem 0; border-top: 1px solid var(--line); }
dt, dd { margin: 0; padding-top: .25rem; }
dt { opacity: .75; }
bdi { unicode-bidi: isolate; }
code, pre { font-size: .875rem; white-space: pre-wrap; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input { font: inherit; width: 100%; max-width: 20rem; padding: .5rem; margin: .25rem 0 1rem; border: 1px solid var(--line); border-radius: .375rem; }
button { font: inherit; min-height: 2.75rem; padding: .5rem 1.25rem; margin: 0 .5rem .5rem 0; border: 1px solid var(--line); border-radius: .375rem; }
button.main { background: var(--accent); border-color: var(--accent); color: #fff; }
.alert { border-left: 4px solid var(--alert); padding: .5rem .75rem; }
.done { border-left: 4px solid var(--accent); padding: .5rem .75rem; }
@media (prefers-color-scheme: dark) { :root { --accent: #3b63d8; --alert: #f87171; } }
"""


def request_page(request: SigningRequest, *, problem: str = "") -> str:
    """The manifest in plain words, and the form for the PIN; once decided, what was decided."""
    if request.state is State.SIGNED:
        return message_page(SIGNED, done=True)
    if request.state is State.REFUSED:
        return message_page(REFUSED, done=True)
    said = request.statement
    title = "Đăng ký chứng thư này cho tài khoản của tôi" if isinstance(said, Registration) else said.title
    rows = _registration_rows(said, request.origin) if isinstance(said, Registration) else _statement_rows(said, request.origin)
    return _page(
        HEADINGS[said.purpose],
        f"""<h2><bdi>{escape(title)}</bdi></h2>
{_facts(rows)}
<details><summary>Nguyên văn nội dung được ký</summary><pre>{escape(request.manifest.decode())}</pre></details>
{_problem(problem)}
<form method="post" action="/sign/{escape(request.id)}" autocomplete="off">
<input type="hidden" name="token" value="{escape(request.form_token)}">
<label for="pin">Mã PIN</label>
<input id="pin" name="pin" type="password" autocomplete="off" maxlength="64" autofocus>
<button class="main" name="decision" value="sign">Ký số</button>
<button name="decision" value="refuse">Không ký</button>
</form>""",
    )


def pairing_page(pairing: Pairing, *, problem: str = "") -> str:
    return _page(
        "Ghép nối trình duyệt",
        f"""<p>Trang <strong>{escape(pairing.origin)}</strong> muốn nhờ chương trình này ký số. Chỉ ghép nối nếu chính bạn vừa bấm
Ký số trên trang đó. Nhập mã ghép nối đang hiện trong cửa sổ chương trình ký số; chỉ cần làm một lần.</p>
{_problem(problem)}
<form method="post" action="/pair/{escape(pairing.id)}" autocomplete="off">
<input type="hidden" name="token" value="{escape(pairing.form_token)}">
<label for="code">Mã ghép nối (6 chữ số)</label>
<input id="code" name="code" inputmode="numeric" autocomplete="off" maxlength="12" required autofocus>
<button class="main">Ghép nối</button>
</form>""",
    )


def message_page(message: str, *, done: bool = False) -> str:
    style, role = ("done", "status") if done else ("alert", "alert")
    return _page("Ký số", f'<p class="{style}" role="{role}">{escape(message)}</p>')


def start_page(origins: Collection[str]) -> str:
    sites = "".join(f"<li>{escape(origin)}</li>" for origin in sorted(origins))
    return _page(
        "Chương trình ký số đang chạy",
        f"<p>Các trang được phép nhờ ký số:</p><ul>{sites}</ul><p>Hãy bắt đầu từ nút Ký số trên trang Hồ Sơ.</p>",
    )


def _statement_rows(statement: Statement, origin: str) -> Iterable[tuple[str, str]]:
    """Label and value (HTML) of everything that the manifest says."""
    yield "Đơn vị", f"<bdi>{escape(statement.unit_name or 'chưa có đơn vị (khởi tạo)')}</bdi>"
    yield "Cơ quan", escape(statement.authority)
    if statement.revokes:
        yield (
            "THU HỒI chữ ký",
            f"<strong>{_number(len(statement.revokes.manifests))}</strong> chữ ký trên đề nghị <code>{statement.revokes.request}</code>",
        )
        yield "Căn cứ", escape(GROUNDS.get(statement.revokes.ground, statement.revokes.ground))
        yield "Lý do", f"<bdi>{escape(statement.revokes.reason)}</bdi>"
    if statement.over:
        yield "Ký của cơ quan", f"xác nhận {_number(len(statement.over))} chữ ký cá nhân đã có"
    yield "Phê duyệt", f"<strong>{_number(statement.covered)}</strong> trên {_number(statement.count)} bản ghi"
    yield "Tất cả gồm", "<br>".join(f"{_number(count)} {escape(KINDS.get(kind, kind))}" for kind, count in sorted(statement.kinds.items()))
    yield "Để lại, không duyệt", _excluded(statement.excluded)
    if statement.effective_on:
        yield "Có hiệu lực từ", f"<strong>{statement.effective_on:%d/%m/%Y}</strong>"
    yield "Bước", str(statement.stage)
    yield "Người ký", f"<bdi>{escape(statement.decider.name)}</bdi> ({escape(statement.decider.user)})"
    yield "Lập lúc", f"{statement.prepared_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
    yield "Mã đề nghị", f"<code>{statement.request}</code>"
    yield "Mã đơn vị", f"<code>{statement.unit or '-'}</code>"
    yield "Mã băm toàn bộ dữ liệu", f"<code>{_grouped(statement.root)}</code>"
    yield "Trang nhờ ký", escape(origin)


def _registration_rows(said: Registration, origin: str) -> Iterable[tuple[str, str]]:
    yield "Tài khoản", f"<bdi>{escape(said.account.name)}</bdi> ({escape(said.account.user)})"
    yield "Cơ quan", escape(said.authority)
    yield "Chứng thư", f"<bdi>{escape(said.subject)}</bdi>"
    yield "Mã băm chứng thư", f"<code>{_grouped(said.certificate)}</code>"
    yield "Ý nghĩa", "Từ nay chữ ký tạo bằng chứng thư này được tính là chữ ký của tài khoản trên. Lần ký này không phê duyệt hồ sơ nào."
    yield "Lập lúc", f"{said.issued_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
    yield "Ký trước", f"{said.expires_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
    yield "Trang nhờ ký", escape(origin)


def _grouped(digest: str) -> str:
    return " ".join(digest[start : start + 8] for start in range(0, 64, 8))


def _excluded(indexes: Sequence[int]) -> str:
    """Leaf indexes as people number rows, from 1, in ranges: 1, 3-7."""
    if not indexes:
        return "không có"
    runs = [[index for _position, index in run] for _key, run in groupby(enumerate(indexes), key=lambda pair: pair[1] - pair[0])]
    ranges = ", ".join(f"{run[0] + 1}-{run[-1] + 1}" if len(run) > 1 else f"{run[0] + 1}" for run in runs)
    return f"<details><summary>{_number(len(indexes))} bản ghi</summary>Số thứ tự: {ranges}</details>"


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(label)}</dt><dd>{value}</dd>" for label, value in rows) + "</dl>"


def _problem(problem: str) -> str:
    return f'<p class="alert" role="alert">{escape(problem)}</p>' if problem else ""


def _number(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def _page(heading: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(heading)} - Hồ Sơ</title>
<link rel="stylesheet" href="/agent.css">
</head>
<body>
<main>
<h1>{escape(heading)}</h1>
{body}
</main>
</body>
</html>
"""
