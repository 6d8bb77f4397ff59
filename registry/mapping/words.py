"""What a column can be: why it is taken for a field, which part of the field it holds, and the headings of forms that were replaced."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Reason(TextChoices):
    """Why a column is taken for a field, or is not."""

    EXACT = "exact", _("the template's heading")
    ALIAS = "alias", _("another name of the field")
    OLDER = "older", _("a heading of an older form")
    SIMILAR = "similar", _("a similar heading")
    PART = "part", _("one part of the field")
    REMEMBERED = "remembered", _("as in the last file")
    CHOSEN = "chosen", _("chosen by hand")
    TWICE = "twice", _("another column already holds the field")
    UNKNOWN = "unknown", _("no field has such a heading")


class Part(TextChoices):
    """What a column holds of a field that is spread over several."""

    WHOLE = "", _("the whole value")
    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")
    FAMILY = "family", _("family and middle name")
    GIVEN = "given", _("given name")
    MALE = "male", _("for men")
    FEMALE = "female", _("for women")


# Headings of forms that were replaced (2C-TCTW/98, 2C-BNV/2008, lists of the districts), by field.
OLDER_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "citizen_id": ("Số CMND", "Số chứng minh nhân dân", "Số CMND/CCCD", "Số CCCD/CMND", "CMND/CCCD", "CCCD/CMND", "CMND", "Số CMT", "Số CMTND"),
    "citizen_id_date": ("Ngày cấp CMND/CCCD", "Ngày cấp CMND", "Ngày cấp chứng minh nhân dân"),
    "birth_date": ("NTNS", "Ngày, tháng, năm, sinh"),
    "general_education": ("Trình độ văn hóa", "Văn hóa", "TĐVH", "Trình độ học vấn phổ thông"),
    "home_town": ("Nguyên quán", "Sinh quán"),
    "staff_number": ("Số hiệu cán bộ", "Số hiệu CBCC", "Mã CBCC", "Mã số cán bộ"),
    "current_address": ("Nơi ĐKHKTT", "Hộ khẩu thường trú", "Nơi đăng ký hộ khẩu thường trú", "Chỗ ở"),
    "first_recruit_date": ("Ngày vào ngành", "Ngày vào biên chế", "Ngày tham gia công tác"),
    "using_unit": ("Phòng ban", "Tên đơn vị", "Cơ quan, đơn vị"),
    "phone": ("ĐT", "Số ĐT", "ĐTDĐ", "Di động liên hệ"),
    "step_date": ("Hưởng từ ngày", "Hưởng từ", "Ngày hưởng lương", "Thời điểm hưởng", "Thời gian hưởng"),
    "rank_code": ("Ngạch, mã số", "Mã số ngạch lương", "Ngạch lương"),
    "coefficient": ("Hệ số lương cũ", "HS lương", "Hệ số hiện hưởng"),
    "posting.title": ("Chức vụ chính quyền", "Chức vụ, chức danh công tác", "CV hiện tại"),
    "party_join_date": ("Ngày vào Đảng lần đầu", "Ngày vào Đảng dự bị", "Vào Đảng"),
    "social_insurance_no": ("Sổ BHXH", "Số sổ bảo hiểm xã hội"),
    "gender": ("Nữ/Nam", "GT"),
}
FAMILY_HEADINGS = ("Họ", "Họ đệm", "Họ và đệm", "Họ và tên đệm", "Họ và chữ đệm", "Họ, chữ đệm", "Họ lót", "Họ và tên lót", "Họ và chữ lót")
MARKED_PARTS = {"nam": Part.MALE, "nữ": Part.FEMALE, "nu": Part.FEMALE}  # with accents: "nam" is a man, "năm" a year
DATE_PARTS = {"ngày": Part.DAY, "tháng": Part.MONTH, "năm": Part.YEAR}
