"""The Vietnamese catalogue: complete, certain, with the same placeholders, and compiled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.utils import translation

from tools import messages

GLOSSARY = {
    "Home": "Việc của tôi",
    "Change requests": "Đề nghị cập nhật",
    "Organisation tree": "Cây tổ chức",
    "Superior unit": "Đơn vị cấp trên",
    "Managing agency": "Cơ quan quản lý",
    "Using unit": "Đơn vị sử dụng",
    "Personal identification number": "Số định danh cá nhân (CCCD)",
    "Draft": "Bản nháp",
    "Withdraw": "Rút lại",
    "Approve": "Phê duyệt",
    "Return": "Trả lại",
    "Approved": "Đã duyệt",
    "Scheduled": "Chờ hiệu lực",
    "Applied": "Đã cập nhật",
    "Conflict": "Xung đột",
    "Expired": "Hết hạn",
    "Before": "Trước",
    "After": "Sau",
    "Error": "Lỗi",
    "Warning": "Cảnh báo",
    "Suggestion": "Gợi ý",
    "Upload a workbook": "Nạp bảng tính",
    "National platform": "Nền tảng quốc gia",
    "Waiting": "Chờ gửi",
    "Sent": "Đã gửi",
    "Received": "Đã nhận",
    "Rejected": "Bị từ chối",
    "Needs attention": "Cần xử lý",
}


def test_every_string_of_the_source_has_its_vietnamese():
    assert messages.problems() == []


@pytest.mark.parametrize(("english", "vietnamese"), GLOSSARY.items())
def test_the_words_are_those_of_the_glossary(english, vietnamese):
    with translation.override("vi"):
        assert translation.gettext(english) == vietnamese


def test_to_submit_a_request_is_not_to_send_any_form():
    with translation.override("vi"):
        assert translation.pgettext("request", "Submit") == "Trình duyệt"
        assert translation.gettext("Submit") == "Thực hiện"  # import-export's button


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no Vietnamese"),
        ("Còn hồ sơ", "placeholders differ"),
        ("Còn {count} hồ sơ {name}", "placeholders differ"),
    ],
)
def test_what_a_translator_may_get_wrong_is_seen(text, problem):
    # given
    message = Message("{count} files left", text)
    # when
    found = list(messages._message_problems(message))
    # then
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_guess_is_no_translation():
    assert any("fuzzy" in one for one in messages._message_problems(Message("Files", "Hồ sơ", flags=("fuzzy",))))


def test_templates_say_nothing_to_people_outside_the_catalogue():
    """Words between tags must stand in a translate tag; names of languages and file formats are not words."""
    # given
    own = list((messages.ROOT / "templates").rglob("*.html"))
    assert own
    # when
    bare = {path.name: words for path in own if (words := _bare_words(path))}
    # then
    assert bare == {}


def _bare_words(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"{%\s*comment.*?endcomment\s*%}|{%\s*blocktranslate.*?endblocktranslate\s*%}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<span[^>]*material-symbols-outlined[^>]*>.*?</span>|{%.*?%}|{{.*?}}|{#.*?#}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>|&[a-z]+;", " ", text, flags=re.DOTALL)
    return [word for word in re.findall(r"[^\W\d_]{2,}", text) if word not in ("VI", "EN", "XLSX", "PDF")]
