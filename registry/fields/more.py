"""The second half of the catalogue: the items of Circular 06/2023/TT-BNV beyond the core, and those that Decree 27/2026/NĐ-CP adds."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from registry.choices import CodeList, Editor, Section, Sensitivity
from registry.fields.kinds import POSTING_DECISION, SALARY_DECISION, ProfileField, field
from workflows.choices import RiskClass

A, B, C = Sensitivity.A, Sensitivity.B, Sensitivity.C
OWN = {"editor": Editor.PERSON}

MORE: tuple[ProfileField, ...] = (
    field("photo", "0e", Section.IDENTITY, _("Photograph"), kind="picture", sensitivity=B, risk=RiskClass.C, **OWN),
    field("other_names", "2", Section.IDENTITY, _("Other names"), "Các tên gọi khác|Tên gọi khác|Bí danh", example="Ba Hoa", **OWN),
    field(
        *("social_insurance_no", "9", Section.IDENTITY, _("Social insurance number"), "Số BHXH|Số sổ BHXH|Mã số BHXH|Số bảo hiểm xã hội"),
        sensitivity=A,
        risk=RiskClass.B,
        example="6612345678",
    ),
    field(
        *("health_insurance_no", "9b", Section.IDENTITY, _("Health insurance number"), "Số thẻ BHYT|Số BHYT|Mã thẻ BHYT|Số thẻ bảo hiểm y tế"),
        sensitivity=A,
        risk=RiskClass.B,
        example="HC4661234567890",
    ),
    field(
        *("family_class", "11", Section.FAMILY, _("Class of the family of origin"), "Thành phần gia đình xuất thân|Thành phần xuất thân"),
        **{"sensitivity": B, "risk": RiskClass.B, "example": "Nông dân", **OWN},
    ),
    field(
        *("marital_status", "x1", Section.FAMILY, _("Marital status"), "Tình trạng hôn nhân|Hôn nhân"),
        **{"kind": "code", "code_list": CodeList.MARITAL_STATUS, "sensitivity": B, "risk": RiskClass.B, "example": "Đã kết hôn", **OWN},
    ),
    field(
        *("previous_job", "12", Section.SERVICE, _("Occupation before recruitment"), "Nghề nghiệp trước khi được tuyển dụng|Nghề nghiệp trước đây"),
        **{"risk": RiskClass.C, "example": "Sinh viên", **OWN},
    ),
    field(
        *("recruit_form", "13c", Section.SERVICE, _("Form of recruitment"), "Hình thức tuyển dụng"),
        kind="code",
        code_list=CodeList.RECRUITMENT_FORM,
        example="Thi tuyển",
    ),
    field(
        *("party_official_date", "15b", Section.ORGANISATIONS, _("Full Party member since"), "Ngày chính thức|Ngày vào Đảng chính thức"),
        kind="date",
        sensitivity=B,
        example="03/02/2013",
    ),
    field(
        *("first_org_date", "16", Section.ORGANISATIONS, _("Joined the first socio-political organisation on")),
        "Ngày tham gia tổ chức chính trị - xã hội đầu tiên|Ngày tham gia tổ chức CT-XH đầu tiên|Ngày vào Đoàn",
        **{"kind": "date", "sensitivity": B, "risk": RiskClass.C, "example": "26/03/2000", **OWN},
    ),
    field("enlist_date", "17", Section.MILITARY, _("Enlisted on"), "Ngày nhập ngũ", kind="date", sensitivity=B, example="15/02/2004"),
    field("discharge_date", "17", Section.MILITARY, _("Discharged on"), "Ngày xuất ngũ", kind="date", sensitivity=B, example="15/02/2006"),
    field(
        *("military_rank", "17b", Section.MILITARY, _("Highest military rank"), "Quân hàm cao nhất|Quân hàm"),
        kind="code",
        code_list=CodeList.MILITARY_RANK,
        sensitivity=B,
        example="Thượng sĩ",
    ),
    field(
        *("policy_category", "18", Section.MILITARY, _("Policy category"), "Đối tượng chính sách|Diện chính sách"),
        kind="code",
        code_list=CodeList.POLICY_CATEGORY,
        sensitivity=B,
        example="Con liệt sĩ",
    ),
    field(
        *("academic_title", "21", Section.EDUCATION, _("Academic title"), "Học hàm"),
        kind="code",
        code_list=CodeList.ACADEMIC_TITLE,
        example="Phó giáo sư",
    ),
    field("academic_title_year", "21", Section.EDUCATION, _("Year of the academic title"), "Năm được phong học hàm", kind="number", example="2015"),
    field(
        *("state_title", "22", Section.EDUCATION, _("Title conferred by the State"), "Danh hiệu nhà nước phong tặng|Danh hiệu nhà nước"),
        kind="code",
        code_list=CodeList.STATE_TITLE,
        example="Nhà giáo ưu tú",
    ),
    field(
        *("appoint_date", "23b", Section.SERVICE, _("Appointed on"), "Ngày bổ nhiệm chức vụ lãnh đạo|Ngày bổ nhiệm lần đầu"),
        kind="date",
        risk=RiskClass.B,
        example="01/07/2025",
    ),
    field(
        *(POSTING_DECISION[0], "23b", Section.SERVICE, _("Decision on the post")),
        "Số quyết định bổ nhiệm|Số QĐ bổ nhiệm|Quyết định bổ nhiệm|QĐ bổ nhiệm|Số quyết định phê chuẩn|Quyết định phê chuẩn",
        risk=RiskClass.B,
        example="30/QĐ-UBND",
    ),
    field(
        *(POSTING_DECISION[1], "23b", Section.SERVICE, _("Decision on the post of")),
        "Ngày quyết định bổ nhiệm|Ngày QĐ bổ nhiệm|Ngày ký quyết định bổ nhiệm|Ngày ký QĐ bổ nhiệm",
        kind="date",
        risk=RiskClass.B,
        example="25/06/2025",
    ),
    field("reappoint_date", "23b", Section.SERVICE, _("Reappointed on"), "Ngày bổ nhiệm lại", kind="date", risk=RiskClass.B, example="01/07/2026"),
    field(
        *("concurrent_post", "25", Section.SERVICE, _("Concurrent post"), "Chức vụ kiêm nhiệm|Chức danh kiêm nhiệm"),
        risk=RiskClass.B,
        example="Chủ tịch Công đoàn cơ sở",
    ),
    field(
        *("party_post", "26", Section.ORGANISATIONS, _("Party post"), "Chức vụ Đảng hiện tại|Chức vụ Đảng"),
        kind="code",
        code_list=CodeList.PARTY_POST,
        sensitivity=B,
        risk=RiskClass.B,
        example="Bí thư chi bộ",
    ),
    field(
        *("party_concurrent_post", "27", Section.ORGANISATIONS, _("Concurrent Party post"), "Chức vụ Đảng kiêm nhiệm"),
        kind="code",
        code_list=CodeList.PARTY_POST,
        sensitivity=B,
        risk=RiskClass.B,
        example="Chi ủy viên",
    ),
    field(
        *("main_duty", "28", Section.SERVICE, _("Main duty"), "Công việc chính được giao|Công việc được giao"),
        risk=RiskClass.C,
        example="Tham mưu công tác tổ chức cán bộ",
    ),
    field("strength", "29", Section.SERVICE, _("Strength"), "Sở trường|Sở trường công tác", risk=RiskClass.C, example="Công tác tổ chức", **OWN),
    field(
        *("longest_job", "29", Section.SERVICE, _("Job held longest"), "Công việc làm lâu nhất|Công việc đã làm lâu nhất"),
        **{"risk": RiskClass.C, "example": "Văn thư, lưu trữ", **OWN},
    ),
    field(
        *(SALARY_DECISION[0], "37.1", Section.PAY, _("Salary decision")),
        "Số quyết định nâng lương|Số QĐ nâng lương|Quyết định nâng lương|QĐ nâng lương|Số quyết định nâng bậc lương|Số QĐ nâng bậc lương"
        "|Quyết định nâng bậc lương|QĐ nâng bậc lương|Số quyết định lương|Số QĐ lương|Quyết định lương|Số quyết định xếp lương|Quyết định xếp lương",
        example="125/QĐ-UBND",
    ),
    field(
        *(SALARY_DECISION[1], "37.1", Section.PAY, _("Salary decision of")),
        "Ngày quyết định nâng lương|Ngày QĐ nâng lương|Ngày quyết định nâng bậc lương|Ngày QĐ nâng bậc lương|Ngày quyết định lương|Ngày QĐ lương"
        "|Ngày ký quyết định nâng lương|Ngày ký QĐ nâng lương",
        kind="date",
        example="15/12/2025",
    ),
    field(
        *("overframe_percent", "30.1e", Section.PAY, _("Over-frame seniority allowance (%)")),
        "Phụ cấp thâm niên vượt khung (%)|% thâm niên vượt khung|Vượt khung (%)",
        kind="number",
        example="5",
    ),
    field(
        *("overframe_date", "30.1e", Section.PAY, _("Over-frame allowance since"), "Ngày hưởng phụ cấp thâm niên vượt khung|Ngày hưởng vượt khung"),
        kind="date",
        example="01/01/2025",
    ),
    field("job_position", "30.3", Section.PAY, _("Job position"), "Vị trí việc làm|Tên vị trí việc làm", example="Chuyên viên về tổ chức bộ máy"),
    field("job_position_code", "30.3", Section.PAY, _("Code of the job position"), "Mã vị trí việc làm|Mã số vị trí việc làm", example="VT.NV.01"),
    field("job_position_step", "30.3", Section.PAY, _("Step of the job position"), "Bậc vị trí việc làm", kind="number", example="2"),
    field(
        *("job_position_amount", "30.3", Section.PAY, _("Pay of the job position (VND)"), "Lương theo mức tiền|Mức lương vị trí việc làm"),
        kind="decimal",
        sensitivity=B,
        example="9500000",
    ),
    field("health", "31", Section.HEALTH, _("State of health"), "Tình trạng sức khoẻ", sensitivity=A, risk=RiskClass.C, example="Tốt", **OWN),
    field("height_cm", "31", Section.HEALTH, _("Height (cm)"), "Chiều cao", kind="number", sensitivity=A, risk=RiskClass.C, example="162", **OWN),
    field("weight_kg", "31", Section.HEALTH, _("Weight (kg)"), "Cân nặng", kind="number", sensitivity=A, risk=RiskClass.C, example="55", **OWN),
    field(
        *("blood_group", "31", Section.HEALTH, _("Blood group"), "Nhóm máu"),
        **{"kind": "code", "code_list": CodeList.BLOOD_GROUP, "sensitivity": A, "risk": RiskClass.C, "example": "AB", **OWN},
    ),
    field(
        *("arrest_statement", "34.1", Section.HISTORY, _("Arrests and imprisonment"), "Khai rõ bị bắt, bị tù|Bị bắt, bị tù"),
        **{"sensitivity": A, "example": "Không", **OWN},
    ),
    field(
        *("unit_comment", "38", Section.PAY, _("Comment of the using unit"), "Nhận xét, đánh giá của cơ quan sử dụng|Nhận xét của đơn vị"),
        sensitivity=B,
        example="Hoàn thành tốt nhiệm vụ được giao",
    ),
)
