"""Texts of before Unicode, tone marks and capitals."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.encodings import Encoding, decode, decodes, name_case, recognise, same_tone_style, vietnamese

OLD = [
    (Encoding.TCVN3, "NguyÔn ThÞ Hoa", "Nguyễn Thị Hoa"),
    (Encoding.TCVN3, "TrÇn V¨n Hïng", "Trần Văn Hùng"),
    (Encoding.TCVN3, "§¾k L¾k", "Đắk Lắk"),
    (Encoding.TCVN3, "H¶i", "Hải"),
    (Encoding.TCVN3, "NGUYÔN THÞ HOA", "NGUYỄN THỊ HOA"),  # the capitals are drawn by the font .VnTimeH
    (Encoding.VNI, "Nguyeãn Thò Hoa", "Nguyễn Thị Hoa"),
    (Encoding.TCVN3, "88/Q§-UBND", "88/QĐ-UBND"),
    (Encoding.VNI, "Traàn Vaên Huøng", "Trần Văn Hùng"),
    (Encoding.VNI, "Ñaék Laék", "Đắk Lắk"),
    (Encoding.VNI, "CAÛNH SAÙT", "CẢNH SÁT"),
    (Encoding.VNI, "Phöôøng Buoân Ma Thuoät", "Phường Buôn Ma Thuột"),
]


@pytest.mark.parametrize(("encoding", "text", "unicode"), OLD)
def test_an_old_encoding_is_recognised_by_the_words_it_makes(encoding, text, unicode):
    assert recognise(text) is encoding
    assert decode(text, encoding) == unicode
    assert recognise(unicode) is None
    assert not decodes(unicode, encoding)


@pytest.mark.parametrize(
    "text", ["Nguyễn Thị Hoa", "Tô Hà", "Lê Văn Hùng", "H'Thu Niê", "Bà Rịa", "Café", "25° C", "«Hoa»", "", "066185001234", "Müller"]
)
def test_what_is_unicode_or_foreign_is_left_alone(text):
    assert recognise(text) is None


@given(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x1EF9), max_size=30))
def test_what_is_recognised_becomes_more_vietnamese(text):
    if encoding := recognise(text):
        assert vietnamese(decode(text, encoding)) > vietnamese(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("Hoà", "Hòa"), ("Thuý", "Thúy"), ("khoẻ", "khỏe"), ("HOÀ THUỲ", "HÒA THÙY"), ("quý", "quý"), ("Quỳ", "Quỳ"), ("hoàng", "hoàng"),
        ("toàn", "toàn"), ("Hòa", "Hòa"), ("Buôn Ma Thuột", "Buôn Ma Thuột"),
    ],
)  # fmt: skip
def test_the_tone_mark_stands_on_the_first_vowel_of_open_syllables(text, moved):
    assert same_tone_style(text) == moved
    assert same_tone_style(unicodedata.normalize("NFD", text)) == moved


@pytest.mark.parametrize(("text", "name"), [("NGUYỄN THỊ HOA", "Nguyễn Thị Hoa"), ("H'THU NIÊ", "H'Thu Niê"), ("ĐẶNG Y-BLÔ", "Đặng Y-Blô")])
def test_names_in_capitals(text, name):
    assert name_case(text) == name


def test_a_name_of_the_highlands_is_read_in_the_encoding_of_its_neighbours_only():
    assert recognise("H'Djuª By¨") is None
    assert decodes("H'Djuª By¨", Encoding.TCVN3)
    assert decode("H'Djuª By¨", Encoding.TCVN3) == "H'Djuê Byă"
    assert not decodes("H'Djuê Byă", Encoding.TCVN3)
