"""The printed forms, said once as lines and tables: what `tools/paper_forms.py` makes the templates from.

Values are names in a template: `f.` a field, `x.` what follows from the file; a table names its list and the columns in each cell.
Words are those of the forms (Circular 06/2023/TT-BNV; Decision 02/2008/QĐ-BNV).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Entry:
    """One line: label and value, some times over."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    heading: str
    width: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    name: str
    columns: tuple[Cell, ...]


@dataclass(frozen=True)
class Layout:
    """`top` stands above the title, `beside` next to the photograph, `parts` below."""

    stem: str
    title: str
    source: str
    heading: str
    top: tuple[object, ...]
    beside: tuple[object, ...]
    parts: tuple[object, ...]


def line(*said: str) -> Entry:
    """Label, value, label, value, ..."""
    return Entry(tuple(zip(said[::2], said[1::2], strict=True)))


def rows(name: str, *said: object) -> Rows:
    """Heading, width, columns (separated by blanks), and again."""
    cells = zip(said[::3], said[1::3], said[2::3], strict=True)
    return Rows(name, tuple(Cell(str(heading), int(str(width)), tuple(str(names).split())) for heading, width, names in cells))


MONTHS = ("Từ tháng/năm", 3, "valid_from", "Đến tháng/năm", 3, "valid_to")
KIN = "Quê quán, nghề nghiệp, chức danh, chức vụ, đơn vị công tác, học tập, nơi ở (trong, ngoài nước); thành viên các tổ chức chính trị - xã hội"

CV_2023 = Layout(
    "so-yeu-ly-lich-06-2023",
    "Sơ yếu lý lịch",
    "Mẫu ban hành kèm theo Thông tư số 06/2023/TT-BNV",
    "SƠ YẾU LÝ LỊCH",
    (
        line("Cơ quan quản lý cán bộ, công chức, viên chức", "f.managing_agency"),
        line("Cơ quan, đơn vị sử dụng cán bộ, công chức, viên chức", "f.using_unit"),
        line("Số hiệu", "f.staff_number", "Mã số định danh", "x.record_id"),
        line("Loại", "f.personnel_type", "Trạng thái hồ sơ", "x.version"),
    ),
    (
        line("1) Họ và tên khai sinh (viết chữ in hoa)", "x.birth_name_upper"),
        line("Giới tính", "f.gender"),
        line("2) Các tên gọi khác", "f.other_names"),
        line("3) Ngày, tháng, năm sinh", "f.birth_date"),
        line("4) Nơi sinh", "f.birth_place"),
        line("5) Quê quán", "f.home_town"),
        line("6) Dân tộc", "f.ethnicity", "7) Tôn giáo", "f.religion"),
        line("8) Số CCCD", "f.citizen_id", "Ngày cấp", "f.citizen_id_date"),
        line("SĐT liên hệ", "f.phone"),
    ),
    (
        line("9) Số BHXH", "f.social_insurance_no", "Số thẻ BHYT", "f.health_insurance_no"),
        line("10) Nơi ở hiện nay", "f.current_address"),
        line("11) Thành phần gia đình xuất thân", "f.family_class"),
        line("12) Nghề nghiệp trước khi được tuyển dụng", "f.previous_job"),
        line("13) Ngày được tuyển dụng lần đầu", "f.first_recruit_date", "Hình thức tuyển dụng", "f.recruit_form"),
        line("Cơ quan, tổ chức, đơn vị tuyển dụng", "f.recruiting_agency"),
        line("14) Ngày vào cơ quan hiện đang công tác", "f.current_agency_date"),
        line("15) Ngày vào Đảng Cộng sản Việt Nam", "f.party_join_date", "Ngày chính thức", "f.party_official_date"),
        line("16) Ngày tham gia tổ chức chính trị - xã hội đầu tiên", "f.first_org_date"),
        line("17) Ngày nhập ngũ", "f.enlist_date", "Ngày xuất ngũ", "f.discharge_date", "Quân hàm cao nhất", "f.military_rank"),
        line("18) Đối tượng chính sách", "f.policy_category"),
        line("19) Trình độ giáo dục phổ thông (đã tốt nghiệp lớp mấy/thuộc hệ nào)", "f.general_education"),
        line("20) Trình độ chuyên môn cao nhất", "x.highest_degree"),
        line("21) Học hàm", "f.academic_title", "Năm được phong", "f.academic_title_year"),
        line("22) Danh hiệu nhà nước phong tặng", "f.state_title"),
        line("23) Chức vụ hiện tại", "x.current_post", "Từ ngày", "x.current_post_from"),
        line("Ngày bổ nhiệm/phê chuẩn", "f.appoint_date", "Ngày bổ nhiệm lại/phê chuẩn nhiệm kỳ tiếp theo", "f.reappoint_date"),
        Heading("24) Được quy hoạch chức danh", 2),
        rows("planned_posts", "Chức danh", 7, "title", "Nhiệm kỳ", 4, "term", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to"),
        line("25) Chức vụ kiêm nhiệm", "f.concurrent_post"),
        line("26) Chức vụ Đảng hiện tại", "f.party_post"),
        line("27) Chức vụ Đảng kiêm nhiệm", "f.party_concurrent_post"),
        line("28) Công việc chính được giao", "f.main_duty"),
        line("29) Sở trường công tác", "f.strength"),
        line("Công việc làm lâu nhất", "f.longest_job"),
        Heading("30) TIỀN LƯƠNG"),
        line("30.1) Ngạch/chức danh nghề nghiệp", "x.rank_title", "Mã số", "x.rank_number"),
        line("Ngày bổ nhiệm ngạch/chức danh nghề nghiệp", "f.rank_date"),
        line("Bậc lương", "f.step", "Hệ số", "f.coefficient", "Ngày hưởng", "f.step_date"),
        line("Phần trăm hưởng (%)", "f.percent", "Phụ cấp thâm niên vượt khung (%)", "f.overframe_percent"),
        line("Ngày hưởng phụ cấp thâm niên vượt khung", "f.overframe_date"),
        line("30.2) Phụ cấp chức vụ", "x.post_allowances", "Phụ cấp kiêm nhiệm", "x.concurrent_allowances"),
        line("Phụ cấp khác", "x.other_allowances"),
        line("30.3) Vị trí việc làm", "f.job_position", "Mã số", "f.job_position_code"),
        line("Bậc lương", "f.job_position_step", "Lương theo mức tiền (đồng)", "f.job_position_amount"),
        line("31) Tình trạng sức khỏe", "f.health"),
        line("Chiều cao (cm)", "f.height_cm", "Cân nặng (kg)", "f.weight_kg", "Nhóm máu", "f.blood_group"),
        Heading("32) QUÁ TRÌNH ĐÀO TẠO, BỒI DƯỠNG"),
        Heading("32.1- Chuyên môn (từ trung cấp trở lên cả trong nước và nước ngoài)", 2),
        rows(
            *("degrees", *MONTHS, "Tên cơ sở đào tạo", 6, "school", "Chuyên ngành đào tạo", 5, "major"),
            *("Hình thức đào tạo", 3, "mode", "Văn bằng, trình độ", 4, "degree"),
        ),
        Heading("32.2- Lý luận chính trị", 2),
        rows("political_training", *MONTHS, "Tên cơ sở đào tạo", 8, "school", "Hình thức đào tạo", 4, "mode", "Văn bằng được cấp", 6, "level"),
        Heading("32.3- Bồi dưỡng quản lý nhà nước/chức danh nghề nghiệp/nghiệp vụ chuyên ngành", 2),
        rows("state_mgmt_training", *MONTHS, "Tên cơ sở đào tạo", 8, "school", "Chứng chỉ được cấp", 10, "level certificate"),
        Heading("32.4- Bồi dưỡng kiến thức an ninh, quốc phòng", 2),
        rows("defence_training", *MONTHS, "Tên cơ sở đào tạo", 8, "school", "Chứng chỉ được cấp", 10, "level certificate"),
        Heading("32.5- Tin học", 2),
        rows("it_certs", *MONTHS, "Tên cơ sở đào tạo", 8, "school", "Chứng chỉ được cấp", 10, "level certificate"),
        Heading("32.6- Ngoại ngữ/tiếng dân tộc", 2),
        rows(
            *("language_certs", *MONTHS, "Tên cơ sở đào tạo", 6, "school", "Tên ngoại ngữ/tiếng dân tộc", 4, "language"),
            *("Chứng chỉ được cấp", 5, "level certificate", "Điểm số", 3, "score"),
        ),
        Heading("33) TÓM TẮT QUÁ TRÌNH CÔNG TÁC"),
        rows(
            *("postings", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to"),
            *("Đơn vị công tác (đảng, chính quyền, đoàn thể, tổ chức xã hội)", 10, "unit unit_name", "Chức danh, chức vụ", 8, "title"),
        ),
        Heading("34) ĐẶC ĐIỂM LỊCH SỬ BẢN THÂN"),
        line("34.1- Bị bắt, bị tù (từ ngày tháng năm nào đến ngày tháng năm nào, ở đâu, đã khai báo cho ai, những vấn đề gì)", "f.arrest_statement"),
        Heading("34.2- Bản thân có làm việc cho chế độ cũ", 2),
        rows("old_regime", *MONTHS, "Chức danh, chức vụ", 7, "title", "Đơn vị, địa điểm đã làm việc", 11, "place"),
        Heading("34.3- Tham gia hoặc có quan hệ với các tổ chức chính trị, kinh tế, xã hội ở nước ngoài", 2),
        rows("foreign_orgs", *MONTHS, "Tên tổ chức, địa chỉ trụ sở", 10, "organisation", "Công việc đã làm", 8, "job"),
        Heading("35) KHEN THƯỞNG, KỶ LUẬT"),
        Heading("35.1- Thành tích thi đua, khen thưởng", 2),
        rows(
            *("annual_results", "Năm", 2, "year", "Xếp loại chuyên môn", 6, "grade", "Xếp loại thi đua", 5, "emulation"),
            *("Hình thức khen thưởng", 7, "commendation"),
        ),
        Heading("35.2- Kỷ luật Đảng/hành chính", 2),
        rows(
            *("disciplines", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to", "Hình thức", 4, "side form"),
            *("Hành vi vi phạm chính", 6, "act", "Cơ quan quyết định", 6, "authority"),
        ),
        Heading("36) QUAN HỆ GIA ĐÌNH"),
        Heading("36.1- Về bản thân: cha, mẹ, vợ (hoặc chồng), các con, anh chị em ruột", 2),
        rows("family", "Mối quan hệ", 3, "relation", "Họ và tên", 5, "full_name", "Năm sinh", 2, "birth_year", KIN, 11, "description"),
        Heading("36.2- Cha, mẹ, anh chị em ruột bên vợ (hoặc chồng)", 2),
        rows("in_laws", "Mối quan hệ", 3, "relation", "Họ và tên", 5, "full_name", "Năm sinh", 2, "birth_year", KIN, 11, "description"),
        Heading("37) HOÀN CẢNH KINH TẾ GIA ĐÌNH"),
        Heading("37.1- Quá trình lương của bản thân", 2),
        rows(
            *("salary_history", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to", "Mã số ngạch/chức danh", 5, "rank_code"),
            *("Bậc lương", 2, "step", "Hệ số lương", 3, "coefficient", "Tiền lương theo vị trí việc làm", 5, "amount"),
        ),
        Heading("37.2- Các loại phụ cấp khác", 2),
        rows(
            *("allowances", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to", "Loại phụ cấp", 5, "kind", "Phần trăm hưởng", 2, "percent"),
            *("Hệ số", 2, "coefficient", "Hình thức hưởng", 3, "form", "Giá trị (đồng)", 4, "amount"),
        ),
        Heading("37.3- Nguồn thu nhập chính của gia đình hằng năm", 2),
        rows("incomes", "Năm", 2, "year", "Tiền lương (đồng)", 6, "salary_amount", "Các nguồn khác (đồng)", 6, "other_amount"),
        Text("Nhà ở, đất ở, đất sản xuất, kinh doanh:"),
        rows(
            *("properties", "Loại", 4, "category", "Nguồn gốc", 4, "kind", "Mô tả", 6, "description", "Diện tích (m²)", 3, "area_m2"),
            *("Giấy chứng nhận số", 4, "certificate_no"),
        ),
        Heading("38) NHẬN XÉT, ĐÁNH GIÁ CỦA CƠ QUAN, ĐƠN VỊ SỬ DỤNG"),
        line("", "f.unit_comment"),
    ),
)

TRAINING = "Tên cơ sở đào tạo", 6, "school"
CV_2008 = Layout(
    "2c-bnv-2008",
    "Sơ yếu lý lịch cán bộ, công chức (2C-BNV/2008)",
    "Mẫu 2C-BNV/2008 ban hành kèm theo Quyết định số 02/2008/QĐ-BNV ngày 06/10/2008 của Bộ trưởng Bộ Nội vụ",
    "SƠ YẾU LÝ LỊCH CÁN BỘ, CÔNG CHỨC",
    (
        line("Cơ quan, đơn vị có thẩm quyền quản lý CBCC", "f.managing_agency"),
        line("Cơ quan, đơn vị sử dụng CBCC", "f.using_unit"),
        line("Số hiệu cán bộ, công chức", "f.staff_number"),
    ),
    (
        line("1) Họ và tên khai sinh (viết chữ in hoa)", "x.birth_name_upper"),
        line("2) Tên gọi khác", "f.other_names"),
        line("3) Sinh ngày", "x.birth_day", "tháng", "x.birth_month", "năm", "x.birth_year", "Giới tính (nam, nữ)", "f.gender"),
        line("4) Nơi sinh", "f.birth_place"),
        line("5) Quê quán", "f.home_town"),
        line("6) Dân tộc", "f.ethnicity", "7) Tôn giáo", "f.religion"),
        Entry((("8) Nơi đăng ký hộ khẩu thường trú", '""'),)),
        line("9) Nơi ở hiện nay", "f.current_address"),
    ),
    (
        line("10) Nghề nghiệp khi được tuyển dụng", "f.previous_job"),
        line("11) Ngày tuyển dụng", "f.first_recruit_date", "Cơ quan tuyển dụng", "f.recruiting_agency"),
        line("12) Chức vụ (chức danh) hiện tại (về chính quyền hoặc Đảng, đoàn thể, kể cả chức vụ kiêm nhiệm)", "x.current_post"),
        line("Chức vụ Đảng", "f.party_post", "Kiêm nhiệm", "f.concurrent_post"),
        line("13) Công việc chính được giao", "f.main_duty"),
        line("14) Ngạch công chức (viên chức)", "x.rank_title", "Mã ngạch", "x.rank_number"),
        line("Bậc lương", "f.step", "Hệ số", "f.coefficient", "Ngày hưởng", "f.step_date"),
        line("Phụ cấp chức vụ", "x.post_allowances", "Phụ cấp khác", "x.other_allowances"),
        line("15.1- Trình độ giáo dục phổ thông (đã tốt nghiệp lớp mấy/thuộc hệ nào)", "f.general_education"),
        line("15.2- Trình độ chuyên môn cao nhất", "x.highest_degree"),
        line("15.3- Lý luận chính trị", "x.political_theory", "15.4- Quản lý nhà nước", "x.state_management"),
        line("15.5- Ngoại ngữ", "x.languages", "15.6- Tin học", "x.it"),
        line("16) Ngày vào Đảng Cộng sản Việt Nam", "f.party_join_date", "Ngày chính thức", "f.party_official_date"),
        line("17) Ngày tham gia tổ chức chính trị - xã hội", "f.first_org_date"),
        line("18) Ngày nhập ngũ", "f.enlist_date", "Ngày xuất ngũ", "f.discharge_date", "Quân hàm cao nhất", "f.military_rank"),
        line("19) Danh hiệu được phong tặng cao nhất", "f.state_title"),
        line("20) Sở trường công tác", "f.strength"),
        line("21) Khen thưởng (hình thức cao nhất, năm nào)", "x.commendation", "22) Kỷ luật", "x.discipline"),
        line("23) Tình trạng sức khỏe", "f.health", "Chiều cao (cm)", "f.height_cm", "Cân nặng (kg)", "f.weight_kg", "Nhóm máu", "f.blood_group"),
        line("24) Là thương binh hạng, con gia đình chính sách", "f.policy_category"),
        line("25) Số chứng minh nhân dân/căn cước", "f.citizen_id", "Ngày cấp", "f.citizen_id_date"),
        line("26) Số sổ BHXH", "f.social_insurance_no"),
        Heading("27) ĐÀO TẠO, BỒI DƯỠNG VỀ CHUYÊN MÔN, NGHIỆP VỤ, LÝ LUẬN CHÍNH TRỊ, NGOẠI NGỮ, TIN HỌC"),
        Text("Chuyên môn"),
        rows(
            *("degrees", *TRAINING, "Chuyên ngành đào tạo, bồi dưỡng", 5, "major", *MONTHS, "Hình thức đào tạo", 3, "mode"),
            *("Văn bằng, chứng chỉ, trình độ", 4, "degree"),
        ),
        Text("Lý luận chính trị"),
        rows("political_training", *TRAINING, *MONTHS, "Hình thức đào tạo", 4, "mode", "Văn bằng, chứng chỉ, trình độ", 6, "level"),
        Text("Quản lý nhà nước, nghiệp vụ"),
        rows("state_mgmt_training", *TRAINING, *MONTHS, "Văn bằng, chứng chỉ, trình độ", 9, "level certificate"),
        Text("Ngoại ngữ"),
        rows("language_certs", *TRAINING, *MONTHS, "Ngoại ngữ", 4, "language", "Văn bằng, chứng chỉ, trình độ", 6, "level certificate score"),
        Text("Tin học"),
        rows("it_certs", *TRAINING, *MONTHS, "Văn bằng, chứng chỉ, trình độ", 9, "level certificate"),
        Heading("28) TÓM TẮT QUÁ TRÌNH CÔNG TÁC"),
        rows(
            *("postings", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to"),
            *("Chức danh, chức vụ, đơn vị công tác (đảng, chính quyền, đoàn thể, tổ chức xã hội)", 15, "title unit unit_name"),
        ),
        Heading("29) ĐẶC ĐIỂM LỊCH SỬ BẢN THÂN"),
        line("Bị bắt, bị tù (từ ngày tháng năm nào đến ngày tháng năm nào, ở đâu, đã khai báo cho ai, những vấn đề gì)", "f.arrest_statement"),
        Text("Bản thân có làm việc trong chế độ cũ (cơ quan, đơn vị nào, địa điểm, chức danh, chức vụ, thời gian làm việc):"),
        rows("old_regime", *MONTHS, "Chức danh, chức vụ", 7, "title", "Đơn vị, địa điểm", 10, "place"),
        Text("Tham gia hoặc có quan hệ với các tổ chức chính trị, kinh tế, xã hội nào ở nước ngoài:"),
        rows("foreign_orgs", *MONTHS, "Tên tổ chức, trụ sở", 9, "organisation", "Công việc đã làm", 8, "job"),
        Heading("30) QUAN HỆ GIA ĐÌNH"),
        Heading("a) Về bản thân: cha, mẹ, vợ (hoặc chồng), các con, anh chị em ruột", 2),
        rows("family", "Mối quan hệ", 3, "relation", "Họ và tên", 5, "full_name", "Năm sinh", 2, "birth_year", KIN, 11, "description"),
        Heading("b) Về bên vợ (hoặc chồng): cha, mẹ, anh chị em ruột", 2),
        rows("in_laws", "Mối quan hệ", 3, "relation", "Họ và tên", 5, "full_name", "Năm sinh", 2, "birth_year", KIN, 11, "description"),
        Heading("31) DIỄN BIẾN QUÁ TRÌNH LƯƠNG CỦA CÁN BỘ, CÔNG CHỨC"),
        rows(
            *("salary_history", "Từ ngày", 4, "valid_from", "Đến ngày", 4, "valid_to", "Mã ngạch", 6, "rank_code", "Bậc", 2, "step"),
            *("Hệ số lương", 3, "coefficient"),
        ),
    ),
)

FORMS = (CV_2023, CV_2008)
