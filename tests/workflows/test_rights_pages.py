"""The pages of roles and grants: who sees which rights, and two people who change them in the browser."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import Grant
from tests.factories import grant_make, user_make
from tests.pages import Office
from workflows.choices import GrantState
from workflows.models import GrantChange
from workflows.selectors.rights import ending_soon, rights_of_person, rights_of_unit
from workflows.services.delegations import delegation_give, delegation_revoke
from workflows.services.grants import grant_change_confirm


def day(offset):
    return clock.today() + timedelta(offset)


@pytest.fixture(scope="module")
def office(committed_db):
    """With two administrators of the agency, an and binh."""
    office = Office.open()
    for name in ("an", "binh"):
        office.users[name] = user_make(name, first_name=name.title())
        grant_make(office.users[name], Role.ADMINISTRATOR, office.units["agency"], days=(-5, 200))
    return office


@pytest.fixture
def receiver(office):
    return user_make()


def shown(rights):
    return {(one.grant.user.username, one.grant.role) for one in rights}


def proposal(receiver, **more):
    values = {"user": receiver.username, "role": "clerk", "unit": "H15.70", "first_day": day(0), "last_day": day(30), "reason": "Quyết định 5/QĐ"}
    return {**values, **more}


def test_a_unit_shows_what_is_given_on_it_above_it_and_below_it(office):
    below = user_make()
    grant_make(below, Role.CLERK, office.units["office"])
    grant_make(user_make(), Role.CLERK, office.units["elsewhere"])

    rights = rights_of_unit(reader=office.users["clerk"], unit=office.units["office"])
    agency = rights_of_unit(reader=office.users["clerk"], unit=office.units["agency"])

    assert shown(rights.here) == {(below.username, "clerk")}
    assert {name for name, _role in shown(rights.above)} == {"clerk", "supervisor", "operator", "auditor", "an", "binh"}
    assert shown(agency.below) == {(below.username, "clerk")}
    assert not agency.above


def test_a_person_is_known_by_the_rights_in_the_units_of_the_reader_only(office):
    both = user_make()
    for unit in ("agency", "elsewhere"):
        grant_make(both, Role.OPERATOR, office.units[unit])

    def units(reader):
        return {one.grant.unit_id for one in rights_of_person(reader=reader, person=both)}

    agency, elsewhere = office.units["agency"].pk, office.units["elsewhere"].pk
    assert units(office.users["clerk"]) == {agency}
    assert units(office.users["stranger"]) == {elsewhere}
    assert units(both) == units(office.users["root"]) == {agency, elsewhere}
    assert units(office.users["nobody"]) == set()
    address = reverse("workflows:rights_person", args=[both.pk])
    assert [office.client(name).get(address).status_code for name in ("clerk", "stranger", "nobody")] == [200, 200, 404]


def test_one_proposes_on_the_page_and_another_confirms(office, receiver):
    answer = office.client("an").post(reverse("workflows:grant_give"), proposal(receiver))
    assert answer.url == reverse("workflows:rights_person", args=[receiver.pk])
    change = GrantChange.objects.get(user=receiver)
    assert change.valid_to == day(31)  # the last day is the last one in force

    office.client("an").post(reverse("workflows:grant_confirm"), {"change": change.pk})
    assert not scope.can(receiver, Action.EDIT, office.units["agency"])
    page = office.client("binh").get(reverse("workflows:grant_changes")).content.decode()
    assert receiver.display_name in page
    assert "Quyết định 5/QĐ" in page
    office.client("binh").post(reverse("workflows:grant_confirm"), {"change": change.pk})

    assert scope.can(receiver, Action.EDIT, office.units["agency"])
    page = office.client("clerk").get(reverse("workflows:rights_person", args=[receiver.pk])).content.decode()
    assert "Binh" in page
    assert "An" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user": "không-có-ai"}, "Không có ai"),
        ({"user": "Nguyễn Văn"}, "Có nhiều người"),
        ({"unit": "H15.71"}, "không cấp quyền ở đơn vị"),
        ({"user": "an"}, "không phải cho chính mình"),
        ({"last_day": "2099-01-01"}, "dài nhất 24 tháng"),
        ({"last_day": "2020-01-01"}, "kết thúc sau hôm nay"),
        ({"reason": ""}, "bắt buộc"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_what_cannot_be_is_said_on_the_form_and_typed_words_stay(office, receiver, wrong, said):
    answer = office.client("an").post(reverse("workflows:grant_give"), proposal(receiver, **wrong))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    typed = {**proposal(receiver), **wrong}["unit"]
    assert f'value="{typed}"' in page
    assert not GrantChange.objects.filter(user=receiver).exists()


def test_a_refusal_needs_a_reason_and_a_proposer_takes_back(office, receiver):
    office.client("an").post(reverse("workflows:grant_give"), proposal(receiver))
    office.client("an").post(reverse("workflows:grant_give"), proposal(receiver, role="auditor"))
    first, second = GrantChange.objects.filter(user=receiver).order_by("proposed_at")

    office.client("binh").post(reverse("workflows:grant_refuse", args=[first.pk]), {"reason": " "})
    assert GrantChange.objects.get(pk=first.pk).state == GrantState.PROPOSED
    office.client("binh").post(reverse("workflows:grant_refuse", args=[first.pk]), {"reason": "Chưa có quyết định"})
    office.client("binh").post(reverse("workflows:grant_withdraw", args=[second.pk]))
    office.client("an").post(reverse("workflows:grant_withdraw", args=[second.pk]))

    assert [GrantChange.objects.get(pk=one.pk).state for one in (first, second)] == ["refused", "withdrawn"]
    assert "Chưa có quyết định" in office.client("an").get(reverse("workflows:grant_changes")).content.decode()


def test_what_ends_soon_is_shown_to_who_gives_and_renewed_the_same_way(office, receiver):
    grant = grant_make(receiver, Role.CLERK, office.units["office"], days=(-5, 12))
    assert grant in [one.grant for one in ending_soon(reader=office.users["an"])]
    assert ending_soon(reader=office.users["clerk"]) == []
    assert receiver.display_name in office.client("an").get(reverse("workflows:rights")).content.decode()

    office.client("an").post(reverse("workflows:grant_renew", args=[grant.pk]), {"last_day": day(60), "reason": "gia hạn"})
    change = GrantChange.objects.get(about=grant)
    assert (change.valid_from, change.valid_to) == (day(12), day(61))
    grant_change_confirm(actor=office.users["binh"], change_id=change.pk)

    assert grant not in [one.grant for one in ending_soon(reader=office.users["an"])]


def test_ending_is_proposed_with_the_day_on_which_it_works(office, receiver):
    grant = grant_make(receiver, Role.CLERK, office.units["office"])
    office.client("an").post(reverse("workflows:grant_end", args=[grant.pk]), {"on": day(3), "reason": "nghỉ hưu"})

    grant_change_confirm(actor=office.users["binh"], change_id=GrantChange.objects.get(about=grant).pk)

    grant.refresh_from_db()
    assert grant.valid_to == day(3)


def test_nobody_renews_or_ends_their_own(office):
    own = Grant.objects.get(user=office.users["an"])
    for name in ("grant_renew", "grant_end"):
        assert office.client("an").get(reverse(f"workflows:{name}", args=[own.pk])).status_code == 404


GOOD = "{0}\tChuyên viên tổ chức cán bộ\tH15.70\t15/10/2026\t14/10/2027"


def test_a_pasted_list_becomes_one_batch_of_proposals(office):
    people = [user_make() for _ in range(3)]
    lines = ["Tên đăng nhập\tVai trò\tMã đơn vị\tTừ ngày\tĐến ngày", *(GOOD.format(one.username) for one in people)]

    answer = office.client("an").post(reverse("workflows:grant_list"), {"text": "\r\n".join(lines), "reason": "Quyết định 7"})

    assert answer.url == reverse("workflows:grant_changes")
    changes = GrantChange.objects.filter(user__in=people)
    assert len({one.batch for one in changes}) == 1
    office.client("binh").post(reverse("workflows:grant_confirm"), {"change": [one.pk for one in changes]})
    assert all(scope.can(one, Action.EDIT, office.units["office"]) for one in people)


def test_a_list_with_one_wrong_line_records_nothing_and_names_every_problem(office):
    one = user_make()
    lines = [
        GOOD.format(one.username),
        "khong-co;clerk;H15.99;1/2;hôm nay".replace(";", "\t"),
        "chỉ\thai ô",
        GOOD.format("an"),
    ]

    answer = office.client("an").post(reverse("workflows:grant_list"), {"text": "\n".join(lines), "reason": "x"})

    found = [(problem.line, problem.value) for problem in answer.context["problems"]]
    assert answer.status_code == 422
    assert found == [(2, "khong-co"), (2, "H15.99"), (2, "1/2"), (2, "hôm nay"), (3, "chỉ | hai ô"), (4, "an, H15.70")]
    assert all(problem.remedy for problem in answer.context["problems"])
    assert not GrantChange.objects.filter(user=one).exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "tệp"), ("Tên;Vai trò".encode("utf-16"), "UTF-8"), (b"x" * 300_000, "quá lớn")],
    ids=["empty", "not UTF-8", "too large"],
)
def test_a_file_that_is_none_is_said_so(office, body, said):
    file = SimpleUploadedFile("ds.csv", body, content_type="text/csv")
    answer = office.client("an").post(reverse("workflows:grant_list"), {"file": file, "reason": "x"})
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_why_names_the_grant_its_giver_its_unit_and_its_end(office):
    profile = office.hired(birth_name="Nguyễn Thị Vì Sao")
    grant = Grant.objects.get(user=office.users["clerk"])
    client = office.client("clerk")

    page = client.get(reverse("registry:staff_detail", args=[profile.pk])).content.decode()
    address = reverse("workflows:why_unit", args=[profile.using_unit_id])
    part = client.get(address, {"part": 1}).content.decode()

    assert f'data-lazy="{address}?part=1"' in page
    for word in (grant.get_role_display(), grant.unit.name, grant.giver.display_name, f"{grant.valid_to - timedelta(1):%d/%m/%Y}"):
        assert str(word) in part
    assert "<html" not in part
    assert "<html" in client.get(address).content.decode()


def test_why_names_the_chain_of_who_stands_in(office):
    one = office.submitted(office.document())
    away = delegation_give(
        actor=office.users["supervisor"],
        giver=office.users["supervisor"],
        receiver=office.users["stranger"],
        unit=office.units["agency"],
        risks=["A", "B", "C"],
        valid_from=day(0),
        valid_to=day(5),
        decision_number="31/QĐ",
    )
    address = reverse("workflows:why_request", args=[one.pk])

    part = office.client("stranger").get(address, {"part": 1}).content.decode()
    assert office.users["supervisor"].display_name in part
    assert "31/QĐ" in part
    delegation_revoke(actor=office.users["supervisor"], delegation=away)
    assert office.client("stranger").get(address).status_code == 404
    assert "Bạn đã lập" in office.client("clerk").get(address).content.decode()


def test_a_search_finds_units_and_people_without_accents(office):
    found = office.client("clerk").get(reverse("workflows:rights"), {"q": "van phong"})
    assert [unit.code for unit, _path in found.context["units"]] == ["H15.70.01"]
    somebody = office.client("clerk").get(reverse("workflows:rights"), {"q": "supervisor"})
    assert [one.username for one in somebody.context["people"]] == ["supervisor"]
    assert office.client("clerk").get(reverse("workflows:rights"), {"q": "stranger"}).context["people"] == []
