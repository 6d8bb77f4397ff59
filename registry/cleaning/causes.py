"""Why a cell does not fit, in kinds that group: one cause, one field, one repair; and the words for them."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Cause(TextChoices):
    """What went wrong on the way into the cell. `NONE` is what no repair can help: the value itself has to be found out."""

    NONE = "", _("value that has to be corrected one by one")
    DATE_DOTS = "date_dots", _("date written as dd.mm.yyyy")
    DATE_DASHES = "date_dashes", _("date written as dd-mm-yyyy")
    DATE_SPACES = "date_spaces", _("date written as dd mm yyyy")
    DATE_YEAR_FIRST = "date_year_first", _("date written with the year first")
    DATE_WORDS = "date_words", _("date written in words (day … month … year …)")
    DATE_DIGITS = "date_digits", _("date written as eight digits")
    DATE_MONTH_NAME = "date_month_name", _("date with the month as an English name")
    DATE_SHORT_YEAR = "date_short_year", _("date with a year of two digits")
    DATE_MONTH_FIRST = "date_month_first", _("date with the month before the day")
    DATE_SERIAL = "date_serial", _("date that became a serial number")
    DATE_WITH_TIME = "date_with_time", _("date with a time of day")
    DATE_YEAR_ONLY = "date_year_only", _("date of which only the year is given")
    DATE_MONTH_ONLY = "date_month_only", _("date of which the day is missing")
    DATE_NO_YEAR = "date_no_year", _("date of which a spreadsheet program dropped the year")
    NUMBER_ZEROS = "number_zeros", _("number that lost its leading zeros")
    NUMBER_EXPONENT = "number_exponent", _("number that was shortened to the form 3.8E+10")
    OLD_CARD = "old_card", _("number of an old identity card (9 digits)")
    BECAME_DATE = "became_date", _("value that became a date")
    AMOUNT_POINTS = "amount_points", _("amount with points between the thousands")
    NAME_CAPITALS = "name_capitals", _("name in capitals")
    NAME_SMALL = "name_small", _("name in small letters")
    TONE_STYLE = "tone_style", _("tone mark on the second vowel (hoà, thuý)")
    OLD_ENCODING = "old_encoding", _("text in an encoding of before Unicode (TCVN3, VNI)")
    SPELLING = "spelling", _("value that nearly is one of the list")
    NOT_IN_LIST = "not_in_list", _("value that is not in the list")
    UNPAIRED = "unpaired", _("code of the program it comes from that has no pair yet")
    AMBIGUOUS = "ambiguous", _("value that can mean several things")
    AREA_SUCCESSOR = "area_successor", _("former commune with one successor")
    AREA_SPLIT = "area_split", _("former commune that was divided")
    ADDRESS_SUCCESSOR = "address_successor", _("address with the name of a former commune that has one successor")
    FORMULA = "formula", _("cell with a formula")
    MERGED = "merged", _("cell merged over several rows")


# Causes whose repair loses and guesses nothing: one click for all of them. The others are shown value by value first.
CERTAIN = frozenset(
    {
        Cause.DATE_DOTS,
        Cause.DATE_DASHES,
        Cause.DATE_SPACES,
        Cause.DATE_YEAR_FIRST,
        Cause.DATE_WORDS,
        Cause.DATE_MONTH_NAME,
        Cause.DATE_WITH_TIME,
        Cause.NAME_CAPITALS,
        Cause.NAME_SMALL,
        Cause.TONE_STYLE,
        Cause.OLD_ENCODING,
        Cause.AMOUNT_POINTS,
    }
)
# What a person who types a value into a form means by it is beyond doubt: there the repair is the reading.
TYPED = frozenset({Cause.DATE_DOTS, Cause.DATE_DASHES, Cause.DATE_SERIAL, Cause.DATE_WITH_TIME, Cause.AMOUNT_POINTS})
