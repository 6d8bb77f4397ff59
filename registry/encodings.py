"""Vietnamese as it was typed before Unicode, and in other dresses: TCVN3 (.VnTime), VNI-Windows, tone marks, capitals. Pure text to text.

TCVN 5712:1993 (TCVN3, "ABC") and VNI-Windows put Vietnamese letters on the codes of Western European ones; only the font made them
readable. A workbook keeps the codes ("NguyÔn ThÞ Hoa", "Nguyeãn Thò Hoa"). A text is taken for one of them only if it thereby becomes
Vietnamese: its words are compared with the syllables that the language has.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

_MOSTLY = 0.7  # names of the Central Highlands and abbreviations are no Vietnamese syllables


class Encoding(StrEnum):
    """The encodings before Unicode that offices still have in their files."""

    TCVN3 = "tcvn3"
    VNI = "vni"


_TCVN3 = str.maketrans(
    "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢£¤¥¦§",
    "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĂÂÊÔƠƯĐ",
)
# VNI-Windows writes a mark after its letter; some letters have a code of their own.
_VNI_MARKS = {
    **dict.fromkeys("ø", "\u0300"),
    "ù": "\u0301",
    "û": "\u0309",
    "õ": "\u0303",
    "ï": "\u0323",
    "â": "\u0302",
    "à": "\u0302\u0300",
    "á": "\u0302\u0301",
    "å": "\u0302\u0309",
    "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
    "ê": "\u0306",
    "è": "\u0306\u0300",
    "é": "\u0306\u0301",
    "ú": "\u0306\u0309",
    "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
}
_VNI_MARKS |= {mark.upper(): marks for mark, marks in _VNI_MARKS.items()}
_VNI_LETTERS = {"ñ": "đ", "ö": "ư", "ô": "ơ", "ì": "ì", "í": "í", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_LETTERS |= {code.upper(): letter.upper() for code, letter in _VNI_LETTERS.items()}
_VNI = re.compile(f"([aeouyAEOUYöôÖÔ])([{''.join(_VNI_MARKS)}])|([{''.join(_VNI_LETTERS)}])")

_LATIN_1 = re.compile("[\x00-\xff]*")
_WORD = re.compile(r"(?:[^\W\d_]|[\u00a1-\u00bf\u00ad\u00d7\u00f7])+")  # signs too: in TCVN3 they are letters
_DECISION = re.compile(r"\b(?:Q\u00a7|q\u00ae)(?![a-zA-Z])")  # "QĐ", which has no vowel to tell it by: 88/Q§-UBND
_SIGN_IN_WORD = re.compile("[a-zA-Z][\u00a1-\u00bf]|[\u00a1-\u00bf][a-zA-Z]")
_VOWEL = re.compile("[aeiouy]|[^\x00-\x7f]", re.IGNORECASE)
_NOT_ASCII_LETTER = re.compile("[^a-zA-Z]")
_CAPITAL_FONT = re.compile("[A-Z]{2,}")  # .VnTimeH draws capitals over the codes of small letters
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_ONSETS = "b|ch|c|d|đ|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|p|qu|r|s|th|tr|t|v|x|"
_RIMES = (
    "a|ac|ach|ai|am|an|ang|anh|ao|ap|at|au|ay|ăc|ăm|ăn|ăng|ăp|ăt|âc|âm|ân|âng|âp|ât|âu|ây|e|ec|em|en|eng|eo|ep|et|ê|êch|êm|ên|ênh|êp|êt|êu"
    "|i|ia|ich|iêc|iêm|iên|iêng|iêp|iêt|iêu|im|in|inh|ip|it|iu|o|oa|oac|oach|oai|oam|oan|oang|oanh|oao|oat|oay|oăc|oăm|oăn|oăng|oăt|oc|oe|oen|oeo|oet"
    "|oi|om|on|ong|ooc|oong|op|ot|ô|ôc|ôi|ôm|ôn|ông|ôp|ôt|ơ|ơi|ơm|ơn|ơp|ơt|u|ua|uân|uâng|uât|uây|uc|uê|uêch|uênh|ui|um|un|ung|uôc|uôi|uôm|uôn|uông|uôt"
    "|up|ut|uy|uya|uych|uyên|uyêt|uynh|uyt|uyu|uơ|ư|ưa|ưc|ưi|ưm|ưng|ươc|ươi|ươm|ươn|ương|ươp|ươt|ươu|ưt|ưu|y|yêm|yên|yêng|yêt|yêu"
    "|ak|ăk|êk|ôk|uk"  # places of the Central Highlands
)
_SYLLABLE = re.compile(f"(?:{_ONSETS})(?:{_RIMES})")

_NEW_STYLE = re.compile(
    r"(o[\u0300\u0301\u0303\u0309\u0323]?)([ae])([\u0300\u0301\u0303\u0309\u0323])(?!\w)|(?<![qQ])(u)(y)([\u0300\u0301\u0303\u0309\u0323])(?!\w)",
    re.I,
)
_NEW_STYLE_SEEN = re.compile("o[àáảãạèéẻẽẹ]|u[ỳýỷỹỵ]", re.IGNORECASE)  # most texts have none: a quick look first
_CAPITALIZED = re.compile(r"(^|[\s\-'\u2019.])(\w)")


def decode(text: str, encoding: Encoding) -> str:
    """The text as Unicode; characters that the encoding does not use stay."""
    if encoding is Encoding.TCVN3:
        return _WORD.sub(_tcvn3_word, text)
    return unicodedata.normalize("NFC", _VNI.sub(_vni_letter, text))


def recognise(text: str) -> Encoding | None:
    """The old encoding that makes Vietnamese of a text that is none; None for text that is ASCII, Unicode, or no clearer decoded."""
    return None if text.isascii() else _recognise(text)


def decodes(text: str, encoding: Encoding) -> bool:
    """Whether a text may be read in an encoding that is known from its neighbours: it holds nothing but its codes, and becomes Vietnamese.

    Or it has signs within its words, which no name in Unicode has: "H'Djuª By¨" is a name of the Ê Đê, whose syllables are not Vietnamese.
    """
    if text.isascii() or _LATIN_1.fullmatch(text) is None:
        return False
    decoded = decode(text, encoding)
    return decoded != text and (vietnamese(decoded) >= _MOSTLY or (encoding is Encoding.TCVN3 and _SIGN_IN_WORD.search(text) is not None))


def vietnamese(text: str) -> float:
    """The share of the words of a text that are syllables of Vietnamese (0 to 1; 0 without words)."""
    words = [word for word in _WORD.findall(text) if _VOWEL.search(word)]  # "CCCD" says nothing
    return sum(_is_syllable(word) for word in words) / len(words) if words else 0.0


def same_tone_style(text: str) -> str:
    """The tone on the first vowel of open syllables: "hoà", "thuý", "khoẻ" as "hòa", "thúy", "khỏe"."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", _NEW_STYLE.sub(_move_tone, _apart(composed))) if _NEW_STYLE_SEEN.search(composed) else composed


def name_case(text: str) -> str:
    """Every word of a name with a capital: "NGUYỄN THỊ H'HOA" is "Nguyễn Thị H'Hoa"."""
    return _CAPITALIZED.sub(lambda found: found[1] + found[2].upper(), text.lower())


@lru_cache(maxsize=8192)
def _recognise(text: str) -> Encoding | None:
    if not _LATIN_1.fullmatch(text):
        return None
    if _DECISION.search(text):
        return Encoding.TCVN3
    best, share = None, vietnamese(unicodedata.normalize("NFC", text))
    for encoding in Encoding:
        decoded = decode(text, encoding)
        if decoded != text and (found := vietnamese(decoded)) >= _MOSTLY and found > share:
            best, share = encoding, found
    return best


def _tcvn3_word(found: re.Match[str]) -> str:
    decoded = found[0].translate(_TCVN3)
    return decoded.upper() if decoded != found[0] and _CAPITAL_FONT.fullmatch(_NOT_ASCII_LETTER.sub("", found[0])) else decoded


def _vni_letter(found: re.Match[str]) -> str:
    if found[3]:
        return _VNI_LETTERS[found[3]]
    letter, mark = _VNI_LETTERS.get(found[1], found[1]), _VNI_MARKS[found[2]]
    return unicodedata.normalize("NFC", letter + mark)


def _apart(text: str) -> str:
    """Tones apart from their letters, all else composed: what a tone is moved on."""
    return "".join(
        unicodedata.normalize("NFC", _TONES.sub("", parts)) + "".join(_TONES.findall(parts))
        for parts in (unicodedata.normalize("NFD", letter) for letter in unicodedata.normalize("NFC", text))
    )


def _move_tone(found: re.Match[str]) -> str:
    first, second, tone = (found[1], found[2], found[3]) if found[1] else (found[4], found[5], found[6])
    return f"{first}{tone}{second}"


@lru_cache(maxsize=16384)
def _is_syllable(word: str) -> bool:
    parts = unicodedata.normalize("NFD", word.lower())
    return len(_TONES.findall(parts)) <= 1 and _SYLLABLE.fullmatch(unicodedata.normalize("NFC", _TONES.sub("", parts))) is not None
