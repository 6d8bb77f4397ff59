"""Vietnamese text: storing, searching, sorting; Python and SQL agree."""

import itertools
import random
import string
import unicodedata

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from orgtree import text

LETTERS = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
ONSETS = tuple("b c d đ g h l m n ng nh t th tr v x".split())  # noqa: SIM905
RHYMES = tuple("a à ả ã á ạ ă ằ ắ â ấ ậ e ê ề ệ i í o ó ô ố ộ ơ ờ ợ u ú ư ừ ự y ý an ân ăn ang oan uyên ước".split())  # noqa: SIM905
SYLLABLES = [onset + rhyme for onset in ONSETS for rhyme in RHYMES]


def names(count: int) -> list[str]:
    """Made-up Vietnamese names of two to four words, the same at every run."""
    dice = random.Random(5)
    return sorted({" ".join(dice.choice(SYLLABLES).capitalize() for _ in range(dice.choice((2, 3, 4)))) for _ in range(count)})


def odd_texts(count: int) -> list[str]:
    """Anything that might be typed: both cases, decomposed accents, foreign letters, signs, spaces of several kinds."""
    dice = random.Random(7)
    alphabet = LETTERS + LETTERS.upper() + string.digits + "čñÇßƀĐÅ -'.,(\t\n\u00a0\u0301\u0323" + " " * 12
    made = ["".join(dice.choice(alphabet) for _ in range(dice.randint(0, 30))) for _ in range(count)]
    return made + [unicodedata.normalize("NFD", one) for one in made[: count // 5]]


def baseline_key(name: str) -> str:
    """The key of baselines/vi_sort.py, whose order was compared with ICU's vi-x-icu on 25,712 names."""
    letters = {letter: chr(2 + place) for place, letter in enumerate("0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")} | {" ": "\x01"}
    tones = {"\u0300": "2", "\u0309": "3", "\u0303": "4", "\u0301": "5", "\u0323": "6"}
    primary, tone_digits = [], []
    for letter in unicodedata.normalize("NFC", name).lower():
        parts = unicodedata.normalize("NFD", letter)
        tone = next((mark for mark in parts if mark in tones), "")
        primary.append(letters.get(unicodedata.normalize("NFC", parts.replace(tone, "") if tone else parts), "\x7e"))
        tone_digits.append(tones.get(tone, "1"))
    return "".join(primary) + "\x01\x01" + "".join(tone_digits).rstrip("1")


@pytest.mark.parametrize(
    ("function", "twin"),
    [("hoso_plain", text.plain), ("hoso_sort_key", text.sort_key), ("hoso_person_sort_key", text.person_sort_key), ("hoso_words", text.words)],
)
def test_sql_functions_equal_their_python_twins(db, function, twin):
    samples = names(5_000) + odd_texts(5_000)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sample, public.{function}(sample) FROM unnest(%s::text[]) sample", [samples])
        rows = cursor.fetchall()

    assert len(rows) == len(samples)
    assert [(sample, key) for sample, key in rows if key != twin(sample)] == []


@given(st.text(alphabet=st.characters(max_codepoint=0x1EFF, exclude_characters="\x00", exclude_categories=("Cs",)), max_size=40))
def test_keys_are_stable_under_normal_forms(sample):
    composed, decomposed = (unicodedata.normalize(form, sample) for form in ("NFC", "NFD"))

    assert text.plain(composed) == text.plain(decomposed)
    assert text.sort_key(composed) == text.sort_key(decomposed)


def test_sort_key_gives_the_order_of_the_baseline():
    samples = names(20_000)

    assert sorted(samples, key=text.sort_key) == sorted(samples, key=baseline_key)


def test_sort_key_orders_as_a_vietnamese_list_does():
    ordered = ["An", "An Bình", "Ân", "Bảo", "Dũng", "Đức", "Hà", "Hả", "Hã", "Há", "Hạ", "Hà An", "Lan", "Ơn", "Uyên", "Ưng", "Yến"]

    for rotation in range(len(ordered)):
        assert sorted(ordered[rotation:] + ordered[:rotation], key=text.sort_key) == ordered


def test_person_sort_key_takes_given_name_then_middle_then_family():
    ordered = ["An", "Trần An", "Lê Bảo An", "Nguyễn Văn An", "Trần Văn An", "Nguyễn Thị Hà", "Nguyễn Anh Hạ"]

    for shuffled in itertools.islice(itertools.permutations(ordered), 0, 5_040, 97):
        assert sorted(shuffled, key=text.person_sort_key) == ordered


def test_person_sort_key_does_not_mind_extra_spaces():
    assert text.person_sort_key("  Nguyễn  Văn\u00a0An ") == text.person_sort_key("Nguyễn Văn An")


def test_plain_is_what_a_search_box_gets():
    assert text.plain("  Xã Ea  Knốp, ĐẮK LẮK ") == "xa ea knop, dak lak"


@pytest.mark.parametrize(
    ("written", "words"),
    [("Nguyễn Thị Hoà", ["nguyen", "thi", "hoa"]), ("H’Wing Niê-Kđăm", ["hwing", "nie", "kdam"]), ("H'Wing", ["hwing"]), (" , ", []), ("", [])],
)
def test_words_are_what_a_search_compares(written, words):
    assert text.words(written) == text.words(unicodedata.normalize("NFD", written)) == words


def test_normalise_composes_and_collapses_spaces():
    assert text.normalise(unicodedata.normalize("NFD", " Đắk \u00a0 Lắk\n")) == "Đắk Lắk"


@pytest.mark.parametrize(
    ("given_form", "stored"),
    [
        ("H15", "H15"),
        ("h15.01", "H15.01"),
        ("H15.02.05.A1", "H15.02.05.A1"),
        ("000.00.00.H15", "H15"),
        ("000.01.15.H15", "H15.15.01"),
        ("005.01.15.G09", "G09.15.01.005"),
        (" 00.15.H56 ", "H56.15"),
    ],
)
def test_both_forms_of_an_agency_code_are_stored_as_one(given_form, stored):
    assert text.parse_agency_code(given_form) == stored


@pytest.mark.parametrize(
    "wrong", ["", "Z15", "H1", "H15.", "H15..01", "H15.00", "H15.00.01", "015.00.01.H15", "H15-01", "H15.Á1", "000.00.00", "H15." + "1" * 32]
)
def test_what_is_not_an_agency_code_is_refused(wrong):
    with pytest.raises(text.AgencyCodeInvalid):
        text.parse_agency_code(wrong)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-01-31", "31/01/2026"),
        ("2025-01-01 – 2026-01-01", "01/01/2025 – 01/01/2026"),
        ("2.34 → 6.20", "2,34 → 6,20"),
        ("100.00", "100,00"),
        ("01.003", "01.003"),
        ("V.07.02.26", "V.07.02.26"),
        ("7 → 9", "7 → 9"),
        ("066185001234", "066185001234"),
        ("1985", "1985"),
        ("Tổ 1.25", "Tổ 1.25"),
        ("", ""),
    ],
)
def test_a_value_is_told_as_people_write_it(value, written):
    assert text.as_written(value) == written
