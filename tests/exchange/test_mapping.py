"""Codes of another side: outwards and inwards by a table of pairs, what has no pair waits and is named, and nothing is guessed."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from exchange.choices import ChannelKind, FactState
from exchange.mapping import BOTH, IN, OUT, CodeTable, Gap, Pair
from exchange.models import CodeGap, CodePair, PartyFact, RegisterLane
from exchange.selectors.mapping import code_table, exported_rows, gap_lines, side_of_channel
from exchange.services.lanes import lanes_review
from exchange.services.mapping import PairsWrong, Wanted, pair_end, pairs_import, pairs_set, rest_kept
from exchange.services.party import facts_fetch, facts_propose
from exchange.services.registers import PURPOSES
from registry.code_pairs import pairs_read, pairs_write
from registry.services.codes import codes_load
from tests.exchange.registers import PaperRegister, register_make, round_
from tests.exchange.test_party import PaperParty, fact, taken
from tests.factories import superuser_make
from tests.pages import Office
from workflows.documents import parse
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, RecordVersion

CODES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=6)


@pytest.fixture
def office(db) -> Office:
    codes_load()
    return Office.open()


@pytest.fixture
def channel(office):
    return register_make(ChannelKind.PARTY)


@pytest.fixture
def operator(office):
    return superuser_make("line-operator")


@pytest.fixture
def side(channel) -> str:
    return side_of_channel(channel)


def genders(operator, side, **theirs):
    return pairs_set(actor=operator, side=side, wanted=[Wanted("gender", code, told) for code, told in (theirs or {"1": "M", "2": "F"}).items()])


@given(st.dictionaries(CODES, CODES, min_size=1).filter(lambda one: len(set(one.values())) == len(one)), st.data())
def test_outwards_then_inwards_is_the_identity(pairs, data):
    # given pairs for both ways, one to one
    table = CodeTable.of(Pair(name, code, theirs) for name in ("gender", "degree") for code, theirs in pairs.items())
    code = st.sampled_from(sorted(pairs))
    fields = {
        "gender": data.draw(code),
        "birth_name": data.draw(CODES),
        "degrees": data.draw(st.lists(st.fixed_dictionaries({"degree": code | st.none(), "major": CODES}), max_size=3)),
    }
    # when
    told, gaps = table.project(fields, way=OUT)
    back, gaps_back = table.project(told, way=IN)
    # then
    assert (back, gaps, gaps_back) == (fields, [], [])
    assert told["birth_name"] == fields["birth_name"]
    # and what has no pair is named, whatever it is
    strange = data.draw(CODES.filter(lambda one: one not in pairs))
    assert table.project({"gender": strange}, way=OUT)[1] == [Gap(OUT, "gender", strange, "gender")]


def test_a_list_without_pairs_goes_as_it_is():
    table = CodeTable.of([Pair("gender", "1", "M", OUT)])
    assert table.project({"ethnicity": "01", "gender": None}, way=OUT) == ({"ethnicity": "01", "gender": None}, [])
    assert table.project({"gender": "anything"}, way=IN) == ({"gender": "anything"}, [])


def test_each_pair_stands_in_the_audit_trail_by_one_statement(operator, side):
    with CaptureQueriesContext(connection) as asked:
        assert genders(operator, side, **{"1": "M", "2": "F"}) == 2
    assert sum('INSERT INTO "workflows_auditevent"' in one["sql"] for one in asked) == 1
    told = [(one.actor, one.detail) for one in AuditEvent.objects.filter(action="code_pair.set").order_by("pk")]
    assert told == [
        (operator, {"side": side, "list": "gender", "code": code, "theirs": theirs, "way": "both"}) for code, theirs in (("1", "M"), ("2", "F"))
    ]


def test_the_party_database_is_told_its_own_codes_and_the_document_stays(office, channel, operator, side):
    # given
    person, register = office.hired(gender="2"), PaperRegister(says=taken)
    genders(operator, side)
    # when
    round_(channel, register)
    # then
    (member,) = register.asked
    assert member["fields"]["gender"] == "F"
    body = RecordVersion.objects.get(kind="staff_profile", key=person.pk).document.body
    assert parse(bytes(body))["gender"] == "2"


def test_a_code_without_a_pair_waits_and_goes_once_it_has_one(office, channel, operator, side):
    # given
    office.hired(gender="2")
    register = PaperRegister(says=taken)
    genders(operator, side, **{"1": "M"})
    # when
    round_(channel, register)
    # then nothing was sent, and it is said whose, why and how many
    assert register.asked == []
    (line,) = gap_lines(side)
    assert (line.way, line.list, line.code, line.meaning, line.people) == (OUT, "gender", "2", "Nữ", 1)
    assert RegisterLane.objects.get().withheld is False
    # and when somebody says which it is, it goes by itself
    genders(operator, side, **{"2": "F"})
    round_(channel, register)
    assert [one["fields"]["gender"] for one in register.asked] == ["F"]
    assert gap_lines(side) == []


def test_a_changed_pair_is_told_again_and_an_unchanged_one_costs_no_call(office, channel, operator, side):
    # given
    office.hired(gender="2")
    register = PaperRegister(says=taken)
    genders(operator, side)
    round_(channel, register)
    # when another list is mapped that the person does not use
    pairs_set(actor=operator, side=side, wanted=[Wanted("blood_group", "A", "N-A")] if _has("blood_group", "A") else [])
    round_(channel, register)
    assert len(register.asked) == 1
    # and when the pair changes
    genders(operator, side, **{"2": "NU"})
    round_(channel, register)
    # then
    assert [one["fields"]["gender"] for one in register.asked] == ["F", "NU"]
    assert CodePair.objects.filter(code="2", ended_at__isnull=False).get().theirs == "F"


def _has(name, code):
    from registry.models import CodeItem

    return CodeItem.objects.filter(list=name, code=code).exists()


def test_what_comes_in_is_read_by_the_same_table_or_waits(office, channel, operator, side):
    # given
    person = office.hired()
    pairs_set(actor=operator, side=side, wanted=[Wanted("party_post", "BT", "BT-TINH")])
    told = PaperParty([fact(1, person, party_post="LA"), fact(2, person, party_official_date="2020-01-01")])
    facts_fetch(channel=channel, connector=told)
    # when
    facts_propose(channel=channel)
    # then it waits with its cause, and what was told later of the same person waits behind it
    first, second = PartyFact.objects.order_by("sequence")
    assert (first.state, second.state) == (FactState.WAITING, FactState.WAITING)
    assert first.detail == "UNMAPPED: party_post LA"
    assert [(one.way, one.code, one.people) for one in gap_lines(side)] == [(IN, "LA", 1)]
    # and once it is said which code of ours it is, it is proposed as ours
    pairs_set(actor=operator, side=side, wanted=[Wanted("party_post", "PBT", "LA")])
    facts_propose(channel=channel)
    first.refresh_from_db()
    assert (first.state, first.detail) == (FactState.PROPOSED, "")
    item = first.request.items.select_related("document").get()
    assert parse(bytes(item.document.body))["party_post"] == "PBT"
    assert gap_lines(side) == []


@pytest.mark.parametrize(
    ("wanted", "column"),
    [
        ([Wanted("gender", "9", "X")], "code"),
        ([Wanted("no_list", "1", "X")], "list"),
        ([Wanted("gender", "1", "")], "theirs"),
        ([Wanted("gender", "1", "X", "sideways")], "way"),
        ([Wanted("gender", "1", "X", BOTH, date(2026, 2, 1), date(2026, 1, 1))], "valid_to"),
        ([Wanted("gender", "1", "X"), Wanted("gender", "2", "X")], "theirs"),
        ([Wanted("gender", "1", "X"), Wanted("gender", "1", "Y")], "theirs"),
    ],
)
def test_what_contradicts_is_refused_with_place_cause_and_remedy(office, operator, side, wanted, column):
    with pytest.raises(PairsWrong) as refused:
        pairs_set(actor=operator, side=side, wanted=wanted)
    assert column in {one.column for one in refused.value.wrong}
    assert not CodePair.objects.exists()


def test_many_of_ours_may_be_one_of_theirs_outwards_and_days_may_follow_each_other(office, operator, side):
    wanted = [Wanted("gender", "1", "X", OUT), Wanted("gender", "2", "X", OUT), Wanted("gender", "1", "X", IN)]
    assert pairs_set(actor=operator, side=side, wanted=wanted) == 3
    later = [Wanted("degree", "DH", "5", BOTH, None, date(2026, 7, 1)), Wanted("degree", "DH", "50", BOTH, date(2026, 7, 1))]
    degree = next(iter(_codes("degree")))
    pairs_set(actor=operator, side=side, wanted=[Wanted(one.list, degree, one.theirs, one.way, one.valid_from, one.valid_to) for one in later])
    assert code_table(side, on=date(2026, 6, 30)).outward["degree", degree] == "5"
    assert code_table(side, on=date(2026, 7, 1)).outward["degree", degree] == "50"


def _codes(name):
    from exchange.selectors.mapping import meanings

    return meanings(name)


def test_the_database_keeps_the_pairs_one_to_one_and_as_they_were(office, operator, side):
    genders(operator, side)
    with pytest.raises(IntegrityError), transaction.atomic():
        CodePair.objects.create(side=side, list="gender", code="2", theirs="M", added_by=operator)
    for statement in ("update exchange_codepair set theirs = 'x'", "delete from exchange_codepair"):
        with pytest.raises(DatabaseError, match=r"never altered|append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_goes_out_as_a_spreadsheet_and_comes_back(office, channel, operator, side, form):
    # given a gap and a pair
    office.hired(gender="2")
    genders(operator, side, **{"1": "=M"})
    round_(channel, PaperRegister(says=taken))
    body = pairs_write(exported_rows(side), form=form)
    rows = [cells for _number, cells in pairs_read(body, name=f"x.{form}")]
    assert [(one["code"], one["name"], one["theirs"]) for one in rows] == [("1", "Nam", "=M"), ("2", "Nữ", "")]
    # when what was empty is filled in and sent back
    filled = [{**one, "theirs": one["theirs"] or "F", "list": "Giới tính"} for one in rows]
    assert pairs_import(actor=operator, side=side, content=pairs_write(filled, form=form), name=f"x.{form}") == 1
    # then
    assert code_table(side).outward == {("gender", "1"): "=M", ("gender", "2"): "F"}


def test_a_spreadsheet_with_mistakes_changes_nothing_and_names_every_row(office, operator, side):
    text = "Danh mục;Mã quốc gia;Mã bên kia;Chiều;Có hiệu lực từ\ngender;1;M;;\ngender;7;S;;\ngender;2;F;ngang;32/13/2026\n"
    with pytest.raises(PairsWrong) as refused:
        pairs_import(actor=operator, side=side, content=text.encode(), name="x.csv")
    assert [(one.ref, one.column) for one in refused.value.wrong] == [(3, "code"), (4, "valid_from"), (4, "way")]
    assert not CodePair.objects.exists()


def broken(ending, content):
    """A workbook of ours of which one part was spoilt."""
    out, sound = io.BytesIO(), pairs_write([{"list": "gender", "code": "1", "theirs": "M"}], form="xlsx")
    with zipfile.ZipFile(io.BytesIO(sound)) as before, zipfile.ZipFile(out, "w") as after:
        for one in before.infolist():
            after.writestr(one.filename, content if one.filename.endswith(ending) else before.read(one.filename))
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04nonsense",
        b"a,b\n1,2\n",
        b"list,code,theirs\n" + b"gender,1,M\n" * 5_001,
        b"x" * 1_050_000,
        *(broken(part, spoilt) for part in ("workbook.xml", "sheet1.xml") for spoilt in (b"", b"<", b"<a/>")),
    ],
)
def test_what_is_no_table_is_refused_in_words(office, operator, side, content):
    client = Client()
    client.force_login(operator)
    file = SimpleUploadedFile("a.xlsx", content)
    answer = client.post(reverse("exchange:mapping_import"), {"side": side, "file": file}, follow=True)
    assert answer.status_code == 200
    assert [one.level_tag for one in answer.context["messages"]] == ["error"]
    assert not CodePair.objects.exists()


def test_the_rest_of_a_list_may_stand_for_itself(office, operator, side):
    genders(operator, side, **{"1": "M"})
    assert rest_kept(actor=operator, side=side, code_list="gender") == 1
    assert code_table(side).outward == {("gender", "1"): "M", ("gender", "2"): "2"}
    pair_end(actor=operator, pair=CodePair.objects.get(code="1"))
    assert code_table(side).outward == {("gender", "2"): "2"}


def test_only_who_operates_the_line_sees_and_changes_pairs(office, operator, side):
    with pytest.raises(NotAllowed):
        genders(office.users["clerk"], side)
    with pytest.raises(NotAllowed):
        genders(operator, "channel.unknown")
    assert office.client("clerk").get(reverse("exchange:mapping_list")).status_code == 404


def test_the_page_shows_what_wants_a_pair_and_takes_it(office, channel, operator, side):
    # given
    office.hired(gender="2")
    register = PaperRegister(says=taken)
    genders(operator, side, **{"1": "M"})
    round_(channel, register)
    client = Client()
    client.force_login(operator)
    page = client.get(reverse("exchange:mapping_list"), {"side": side, "list": "gender"})
    assert "Nữ" in page.content.decode()
    # when
    sent = {"side": side, "list": "gender", "code": "2", "theirs": "F", "way": "both"}
    answer = client.post(reverse("exchange:mapping_set"), sent)
    assert answer.status_code == 302
    # then
    assert code_table(side).outward["gender", "2"] == "F"
    assert CodeGap.objects.exists()  # until the file is looked at again
    lanes_review(channel=channel, purpose=PURPOSES[ChannelKind.PARTY])
    round_(channel, register)
    assert not CodeGap.objects.exists()
    # and a wrong one is told beside the form
    assert client.post(reverse("exchange:mapping_set"), {**sent, "theirs": "M"}).status_code == 422
    export = client.get(reverse("exchange:mapping_export"), {"side": side, "form": "csv"})
    assert "Mã bên kia" in export.content.decode("utf-8-sig")
