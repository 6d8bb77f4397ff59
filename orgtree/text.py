"""Vietnamese text: one form to store, one without accents to search, one key to sort by; and agency identifiers.

`plain`, `sort_key`, `person_sort_key` and `words` have twins in SQL (`hoso_plain`, `hoso_sort_key`, `hoso_person_sort_key`,
`hoso_words`), used by generated columns; a test holds the two equal. Neither asks the operating system's or the server's
locale: the order is the same on every machine (that of ICU's `vi`, without needing ICU).
"""

from __future__ import annotations

import re
import string
import unicodedata

_SPACES = re.compile(r"[ \t\n\r\f\v\u00a0]+")
_MARKS = re.compile("[\u0300-\u036f]")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase + "Đđ", string.ascii_lowercase + "dd")

# The alphabet of Viet Nam: letters differ first, tones only break ties (none, grave, hook, tilde, acute, dot below).
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_CODES = string.ascii_uppercase + "abcdefg"
_ALPHABET = str.maketrans(" " + string.digits + _LETTERS + _LETTERS.upper(), "!" + string.digits + _CODES + _CODES)
_UNKNOWN = re.compile(f"[^ 0-9{_LETTERS}{_LETTERS.upper()}]")
_TONES = "\u0300\u0309\u0303\u0301\u0323"
_TONE = re.compile(f"[{_TONES}]")
_TONE_DIGITS = str.maketrans(_TONES, "23456")
_OTHER_MARKS = re.compile("[\u0302\u0304-\u0308\u030a-\u0322\u0324-\u036f]")
_TONED = re.compile(f"[^{_TONES}](?=[{_TONES}])")
_TONELESS = re.compile(f"[^{_TONES}]")

# Letters of the Central Highlands that have no decomposition; apostrophes are part of a word ("H'Wing", "Y Č'Đô").
_WORD_LETTERS = str.maketrans("ƀɃ", "bb", "'’‘ʼ`´")
_WORD_GAPS = re.compile(r"[\x01-/:-@\[-`{-\x7f]+")

_AGENCY_CODE = re.compile(r"[A-Y][0-9]{2}(\.[A-Z0-9]+)*")
_FORMER_AGENCY_CODE = re.compile(r"([A-Z0-9]+\.)+[A-Y][0-9]{2}")
AGENCY_CODE_MAX_LENGTH = 35


class AgencyCodeInvalid(ValueError):
    """The text is in neither form of an agency identifier."""


def normalise(text: str) -> str:
    """Unicode NFC, runs of white space as one space, none at the ends."""
    return _single_spaces(unicodedata.normalize("NFC", text))


def plain(text: str) -> str:
    """Lower case without accents, for searching: "Đắk Lắk" becomes "dak lak". Equal to SQL's hoso_plain."""
    return _single_spaces(_MARKS.sub("", unicodedata.normalize("NFD", text)).translate(_ASCII_LOWER))


def words(text: str) -> list[str]:
    """The words of `text` as a search compares them: "H’Wing Niê-Kđăm" is ["hwing", "nie", "kdam"]. Equal to SQL's hoso_words."""
    return [word for word in _WORD_GAPS.sub(" ", plain(text).translate(_WORD_LETTERS)).split(" ") if word]


def sort_key(text: str) -> str:
    """ASCII text whose byte order is the Vietnamese order of `text`. Equal to SQL's hoso_sort_key.

    Letters first, then a space, then the tones; the space sorts before every code, so a shorter name comes first.
    """
    parts = unicodedata.normalize("NFD", text)
    letters = _UNKNOWN.sub("~", unicodedata.normalize("NFC", _TONE.sub("", parts))).translate(_ALPHABET)
    toned = _TONED.sub("", _OTHER_MARKS.sub("", parts))
    return f"{letters} {_TONELESS.sub('1', toned).translate(_TONE_DIGITS).rstrip('1')}"


def person_sort_key(name: str) -> str:
    """Key of a person's name in the order of Vietnamese lists: given name, middle names, family name.

    Equal to SQL's hoso_person_sort_key.
    """
    family, _, rest = _single_spaces(name).partition(" ")
    middle, _, given = rest.rpartition(" ")
    if not given:
        family, given = "", family
    return f"{sort_key(given)} {sort_key(middle)} {sort_key(family)}"


def parse_agency_code(text: str) -> str:
    """The one stored form of an agency identifier, from either of the two in use. Raises AgencyCodeInvalid.

    Decision 20/2020/QĐ-TTg article 4 reads from the left, `H15.01.02`; QCVN 102:2016/BTTTT, still met in live data, from the
    right and padded with zeros, `000.02.01.H15`. At most 35 characters of A-Z, 0-9 and dots; level one is a letter A-Y and two digits.
    """
    code = normalise(text).upper()
    if _FORMER_AGENCY_CODE.fullmatch(code) and not _AGENCY_CODE.fullmatch(code):
        groups = code.split(".")[::-1]
        while not groups[-1].strip("0"):
            groups.pop()
        code = ".".join(groups)
    if not _AGENCY_CODE.fullmatch(code) or len(code) > AGENCY_CODE_MAX_LENGTH or any(not group.strip("0") for group in code.split(".")):
        raise AgencyCodeInvalid(text)
    return code


def _single_spaces(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


_ISO_DAY = re.compile(r"\b([0-9]{4})-([0-9]{2})-([0-9]{2})\b")
_DECIMAL = re.compile(r"-?[0-9]{1,3}\.[0-9]{2}")


def days_as_written(text: str) -> str:
    """A text in which days that stand as 2025-12-31 are 31/12/2025."""
    return _ISO_DAY.sub(r"\3/\2/\1", text)


def as_written(value: str) -> str:
    """A value of a document as people here write it: days as 31/12/2025, coefficients and percentages as 2,34. What is neither stays.

    Of decimals only a whole value counts, or two with an arrow between them: "01.003" is the code of a rank.
    """
    dated = days_as_written(value)
    parts = dated.split(" → ")
    return " → ".join(part.replace(".", ",") for part in parts) if all(_DECIMAL.fullmatch(part) for part in parts) else dated
