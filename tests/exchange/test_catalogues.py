"""The hub's code lists at an agency: what is published is what was signed, what comes changes nothing by itself, and what is ours stays ours.

An agency and a hub, each on a database of its own, over the real API.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from exchange import catalogue_api
from exchange.catalogue_contract import CataloguePage, CataloguesHeld, catalogue_digest
from exchange.choices import Transport
from exchange.contract import encode
from exchange.models import Agency, AgencyCatalogue, CatalogueChoice, CatalogueCode, CatalogueRead, CatalogueSource, Channel
from exchange.packages import STATEMENT, Opened, PackageRefused, Reason, Statement, part_made, statement_bytes
from exchange.selectors.catalogues import CodeState, catalogues_held, standings
from exchange.selectors.catalogues_agencies import hub_catalogues
from exchange.selectors.catalogues_published import catalogue_head
from exchange.selectors.catalogues_shown import catalogues_shown
from exchange.services import catalogues_publishing
from exchange.services.catalogue_notices import catalogues_silence
from exchange.services.catalogues import ChoiceUnneeded, NothingToTake, catalogues_propose, code_choose, publisher_forget
from exchange.services.catalogues_carrying import lists_file, lists_statement, lists_take
from exchange.services.catalogues_publishing import catalogue_page, catalogue_propose, catalogues_held_take
from exchange.services.catalogues_pulling import catalogues_pull
from exchange.services.evidence import verify_evidence
from orgtree import clock
from registry.models import CodeItem
from registry.selectors.catalogues import catalogue_title
from registry.services.codes import code_propose, codes_load
from registry.targets.codes import code_key
from tests.exchange.office import Office
from tests.exchange.sender import Change
from tests.exchange.trio import trio_open
from tests.factories import superuser_make, user_make
from tests.workflows.certificates import PIN, sign_freely
from tools.verify_list import Broken, verify, verify_list
from workflows.choices import NoticeKind
from workflows.cms import SignatureRefused
from workflows.documents import canonical, digest, parse
from workflows.errors import GateError, NotAllowed
from workflows.models import Notice, RecordVersion
from workflows.selectors.notices import line_of
from workflows.services.ledger import verify_ledger
from workflows.targets import target

LIST = "movement_type"


@pytest.fixture(scope="module")
def trio(django_db_setup, django_db_blocker, worker_id, tmp_path_factory):
    """The hub and one agency, whose tree nobody needs to deliver."""
    folder = tmp_path_factory.mktemp("catalogues")
    with django_db_blocker.unblock(), trio_open(f"{worker_id}_{uuid4().hex[:6]}", folder, codes=("H15",), deliver=False) as trio:
        yield trio


@pytest.fixture(scope="module")
def hub_people(trio):
    """Two people of the hub, with the certificate of the hub's own authority."""
    from config.demo.pki import Person

    person = Person("approver-G01", "Trần Thị Bình", "001075001234", "Bộ Nội vụ", "G01")
    p12 = trio.authority.issue(person, pin=PIN)
    with trio.at_hub():
        codes_load()
        office = Office(superuser_make("hub-author"), superuser_make("hub-approver", personal_number=person.personal_number), p12)
    with trio.at("H15"):
        codes_load()
    return office


@pytest.fixture
def hub(trio, hub_people):
    """What the hub's people do, in a few words; every test has codes of its own."""

    def publish(code, name, code_list=LIST, **values):
        with trio.at_hub():
            values = {"name_vi": name, "source": "Thông tư 06/2023/TT-BNV", **values}
            staged = code_propose(actor=hub_people.author, unit=None, code_list=code_list, code=code, values=values)
            assert staged.request is not None, staged.returned
            hub_people.carry(staged.request)

    return SimpleNamespace(publish=publish, office=hub_people)


def pull(trio, code="H15"):
    with trio.at(code):
        source = catalogues_pull(connector=trio.connect)
        assert source.error_code == "", source.error_text
        return source


def own(side, code, name, **values):
    """A code that the agency decides by itself."""
    staged = code_propose(actor=side.office.author, unit=None, code_list=LIST, code=code, values={"name_vi": name, "source": "Của tỉnh", **values})
    side.office.carry(staged.request)


def state_of(source, code):
    return next(one for one in standings(source) if one.code == code)


def take(side, source):
    staged = catalogues_propose(actor=side.office.author, source=source)
    assert not staged.returned
    return side.office.carry(staged.request)


def item(code):
    return CodeItem.objects.filter(list=LIST, code=code).first()


def test_a_published_code_becomes_true_only_through_the_agencys_own_gate(trio, hub):
    # given
    hub.publish("QG1", "Điều động có thời hạn", aliases="ĐĐ có hạn|DD1", valid_from=date(2026, 1, 1))
    # when
    source = pull(trio)
    with trio.at("H15") as side:
        # then it is here, and proved, and not true yet
        assert state_of(source, "QG1").state == CodeState.NEW
        assert item("QG1") is None
        request = take(side, source)
        assert (item("QG1").name_vi, item("QG1").aliases) == ("Điều động có thời hạn", ["ĐĐ có hạn", "DD1"])
        assert request.evidence["catalogues"] == "G01"
        assert state_of(source, "QG1").state == CodeState.SAME
        kept = CatalogueCode.objects.select_related("manifest").get(catalogue=LIST, key=state_of(source, "QG1").published.key)
        assert (kept.manifest.decider, "G01" in kept.manifest.subject) == (hub.office.approver.display_name, True)
        with pytest.raises(NothingToTake):
            catalogues_propose(actor=side.office.author, source=source)
        assert verify_ledger().damages == []
    # and both kinds of evidence hold at the hub
    with trio.at_hub():
        assert verify_evidence().damages == []


def test_the_same_version_costs_one_call_and_keeps_nothing_twice(trio, hub):
    # given
    hub.publish("QG2", "Tăng cường cơ sở")
    pull(trio)
    pull(trio)
    with trio.at("H15"):
        kept = CatalogueCode.objects.count()
    # when
    trio.line.calls.clear()
    pull(trio)
    # then
    assert [one for one in trio.line.calls if "catalogues" in one] == ["PUT /api/v1/catalogues"]
    with trio.at("H15"):
        assert CatalogueCode.objects.count() == kept
        read = CatalogueRead.objects.get(name=LIST)
    with trio.at_hub():
        head = catalogue_head(LIST)
    assert (read.version, bytes(read.digest).hex(), read.codes) == (head.version, head.digest, head.codes)


def test_what_the_agency_added_itself_is_a_persons_choice(trio, hub):
    # given a code of the agency's, which the hub gives another meaning later
    with trio.at("H15") as side:
        own(side, "X7", "Phái cử ngắn ngày")
        own(side, "X8", "Trưng tập")
    hub.publish("X7", "Chuyển ngạch")
    hub.publish("QG8", "Trưng tập")
    source = pull(trio)
    with trio.at("H15") as side:
        clash, twin = state_of(source, "X7"), state_of(source, "QG8")
        assert (clash.state, "name_vi" in clash.clashing) == (CodeState.CLASH, True)
        assert (twin.state, twin.twin) == (CodeState.CLASH, "X8")
        # then ours stays while nobody chose, and keeping it needs a reason
        assert not clash.takes
        assert not twin.takes
        assert item("X7").name_vi == "Phái cử ngắn ngày"
        with pytest.raises(GateError, match="lý do"):
            code_choose(actor=side.office.author, code=clash.published, choice="keep")
        code_choose(actor=side.office.author, code=clash.published, choice="keep", reason="Đang dùng cho 40 hồ sơ")
        code_choose(actor=side.office.author, code=twin.published, choice="take")
        take(side, source)
        assert (item("X7").name_vi, item("QG8").name_vi, item("X8").name_vi) == ("Phái cử ngắn ngày", "Trưng tập", "Trưng tập")
        assert state_of(source, "X7").state == CodeState.KEPT
        shown = catalogues_shown(source)
        assert [line.standing.code for line in shown.kept] == ["X7"]
        assert shown.kept[0].choice.reason == "Đang dùng cho 40 hồ sơ"
        with pytest.raises(ChoiceUnneeded):
            code_choose(actor=side.office.author, code=twin.published, choice="keep", reason="đổi ý")
    # and the hub hears of it
    pull(trio)
    with trio.at_hub():
        said = AgencyCatalogue.objects.get(agency__code="H15", name=LIST)
        assert (said.waiting, said.kept) == (0, 1)
    # and a later version of the same code is a question of its own
    hub.publish("X7", "Chuyển ngạch, thăng hạng")
    source = pull(trio)
    with trio.at("H15"):
        assert state_of(source, "X7").state == CodeState.CLASH
        CatalogueChoice.objects.create(code=state_of(source, "X7").published, choice="keep", reason="như trước", actor_id=1)


def test_a_change_of_the_hubs_is_brought_over_what_was_changed_here(trio, hub):
    # given a code that was taken over and then got a spelling of the agency's own
    hub.publish("QG3", "Luân chuyển")
    source = pull(trio)
    with trio.at("H15") as side:
        take(side, source)
        own(side, "QG3", "Luân chuyển", aliases="LC", source="Thông tư 06/2023/TT-BNV")
        assert state_of(source, "QG3").state == CodeState.SAME
    # when the hub ends and renames it
    hub.publish("QG3", "Luân chuyển cán bộ", valid_to=date(2027, 1, 1))
    source = pull(trio)
    with trio.at("H15") as side:
        standing = state_of(source, "QG3")
        assert (standing.state, standing.ends) == (CodeState.CHANGED, "2027-01-01")
        take(side, source)
        # then both are there
        after = item("QG3")
        assert (after.name_vi, after.aliases, after.valid_to) == ("Luân chuyển cán bộ", ["LC"], date(2027, 1, 1))
    # and what both changed is a choice
    with trio.at("H15") as side:
        own(side, "QG3", "Luân chuyển của tỉnh", aliases="LC", valid_to=date(2027, 1, 1), source="Thông tư 06/2023/TT-BNV")
    hub.publish("QG3", "Luân chuyển theo quy hoạch", valid_to=date(2027, 1, 1))
    source = pull(trio)
    with trio.at("H15") as side:
        assert (state_of(source, "QG3").state, state_of(source, "QG3").clashing) == (CodeState.CLASH, ["name_vi"])
        code_choose(actor=side.office.author, code=state_of(source, "QG3").published, choice="take")
        take(side, source)
        assert (item("QG3").name_vi, item("QG3").aliases) == ("Luân chuyển theo quy hoạch", ["LC"])


def test_a_pull_that_is_cut_off_goes_on_where_it_was(trio, hub, monkeypatch):
    # given three codes on pages of one, and a line that is cut after the first page
    monkeypatch.setattr(catalogues_publishing, "PAGE", 1)
    for number in (1, 2, 3):
        hub.publish(f"P{number}", f"Hình thức {number}", code_list="training_mode")
    trio.line.lose[:] = [None, None, "before"]
    with trio.at("H15"):
        source = catalogues_pull(connector=trio.connect)
        # then what came is kept, the cause is told, and nothing claims to be whole
        assert source.error_code
        read = CatalogueRead.objects.get(name="training_mode")
        assert (read.position > 0, read.version) == (True, 0)
    trio.line.lose.clear()
    trio.line.calls.clear()
    source = pull(trio, "H15")
    with trio.at("H15"):
        kept = standings(source, names=["training_mode"])
        assert {one.code for one in kept} >= {"P1", "P2", "P3"}
        assert {one.state for one in kept} == {CodeState.NEW}


OFTEN, MORE = ("document", "signature"), ("key", "proof", "authority", "digest")


@pytest.mark.parametrize("forgery", [*OFTEN, *(pytest.param(one, marks=pytest.mark.long) for one in MORE)])
def test_what_the_hubs_people_did_not_sign_is_not_kept(trio, hub, monkeypatch, forgery):
    # given
    name = "blood_group"
    hub.publish(f"F{forgery[:3]}", f"Nhóm {forgery}", code_list=name)
    told = catalogues_publishing.catalogue_page

    def forged(*, name, after):
        page = msgspec.json.decode(encode(told(name=name, after=after)))
        one = page["codes"][-1]
        if forgery == "document":
            one["document"]["name_vi"] = "Khác"
        elif forgery == "key":
            one["key"] = page["codes"][-1]["key"][:-4] + "0000"
        elif forgery == "proof":
            one["leaf_index"] += 1
        elif forgery == "signature":
            page["manifests"][-1]["signature"] = page["manifests"][-1]["manifest"]
        elif forgery == "authority":
            page["manifests"] = []
        else:
            page["digest"] = "0" * 64
        return page

    monkeypatch.setattr(catalogue_api, "catalogue_page", forged)
    with trio.at("H15"):
        before = CatalogueCode.objects.filter(catalogue=name).count()
        # when
        source = catalogues_pull(connector=trio.connect)
        # then
        expected = {
            "document": "PROOF_INVALID",
            "key": "OTHER_CATALOGUE",
            "proof": "PROOF_INVALID",
            "signature": "SIGNATURE_REFUSED",
            "authority": "MANIFEST_MISSING",
            "digest": "DIGEST_DIFFERS",
        }
        assert source.error_code == expected[forgery], source.error_text
        assert CatalogueCode.objects.filter(catalogue=name).count() == before + (forgery == "digest")
    monkeypatch.undo()
    pull(trio, "H15")


def test_the_publisher_is_whom_one_met_first(trio, hub, monkeypatch):
    hub.publish("QG5", "Kiêm nhiệm")
    pull(trio, "H15")
    with trio.at("H15"):
        CatalogueSource.objects.update(authority="G99")
        source = catalogues_pull(connector=trio.connect)
        assert source.error_code == "OTHER_AUTHORITY"
        # until an administrator accepts another one
        with pytest.raises(NotAllowed):
            publisher_forget(actor=user_make("nobody-special"), source=source)
        publisher_forget(actor=trio.sides["H15"].office.author, source=source)
        assert catalogues_pull(connector=trio.connect).authority == "G01"


def test_codes_that_no_person_signed_are_not_published(trio, hub):
    with trio.at_hub():
        document = target("code_entry").schema.merge(None, {"list": "it_level", "code": "MAY", "name_vi": "Do máy duyệt", "source": "Không ai ký"})
        hub.office.apply_by_system(Change("code_entry", code_key("it_level", "MAY"), document))
        assert catalogue_head("it_level") is None
        assert catalogue_page(name="it_level", after=0) is None


def test_a_list_of_the_release_is_published_as_one_request_and_is_the_same_at_the_agency(trio, hub):
    # given
    with trio.at_hub():
        staged = catalogue_propose(actor=hub.office.author, unit=None, name="gender", source="Thông tư 06/2023/TT-BNV")
        assert (staged.staged, staged.returned) == (CodeItem.objects.filter(list="gender").count(), {})
        hub.office.carry(staged.request)
        # a second time there is nothing left
        assert catalogue_propose(actor=hub.office.author, unit=None, name="gender", source="x").request is None
    # when
    source = pull(trio)
    # then it is what stands at the agency already
    with trio.at("H15"):
        assert {one.state for one in standings(source, names=["gender"])} == {CodeState.SAME}
    pull(trio)
    with trio.at_hub():
        lists, agencies = hub_catalogues()
        line = next(one for one in lists if one.name == "gender")
        assert (line.unpublished, line.head.codes, line.current) == (0, 2, 1)
        assert [(one.agency.code, one.current >= 1) for one in agencies] == [("H15", True)]


def test_what_was_published_stays_as_it_was(trio, hub):
    hub.publish("QG6", "Biệt phái tăng cường")
    source = pull(trio)
    with trio.at("H15") as side:
        take(side, source)
        for statement in (
            "delete from exchange_cataloguetaking",
            "update exchange_cataloguecode set version = 9",
            "update exchange_cataloguemanifest set decider = 'x'",
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        assert RecordVersion.objects.filter(kind="code_entry").exists()
    with trio.at_hub():
        assert Agency.objects.count() == 1


def test_a_page_names_the_digest_of_what_it_belongs_to(trio, hub):
    hub.publish("QG9", "Cử đi học", code_list="recruitment_form")
    with trio.at_hub():
        page = msgspec.json.decode(encode(catalogue_page(name="recruitment_form", after=0)), type=CataloguePage)
        codes = [(one.key, one.version, digest(canonical(one.document))) for one in page.codes]
        assert catalogue_digest(codes).hex() == page.digest
        assert catalogue_page(name="recruitment_form", after=page.codes[-1].position)["codes"] == []


# --- carried by hand -----------------------------------------------------------------------------------------------------


@pytest.fixture
def by_hand(trio):
    """The agency has no line; what comes, comes on a stick."""
    with trio.at("H15") as side:
        before = Channel.objects.filter(pk=side.channel.pk).values("transport", "transport_options").get()
        Channel.objects.filter(pk=side.channel.pk).update(transport=Transport.CARRIED, transport_options={"hub": "G01"})
    yield trio
    with trio.at("H15") as side:
        Channel.objects.filter(pk=side.channel.pk).update(**before)


def packed(trio, hub):
    """What the hub's operator takes to the stick."""
    with trio.at_hub():
        statement = lists_statement(actor=hub.office.author)
        assert lists_statement(actor=hub.office.author) == statement, "the same lists make the same statement"
        file = io.BytesIO()
        lists_file(actor=hub.office.author, signature=sign_freely(hub.office.p12, statement, signed_at=clock.now()), file=file)
        return file.getvalue()


def brought(content, actor):
    return lists_take(actor=actor, file=io.BytesIO(content), size=len(content))


def test_lists_are_carried_by_hand_and_the_next_package_says_how_far_they_are_here(by_hand, hub, monkeypatch):
    # given lists on several pages
    monkeypatch.setattr(catalogues_publishing, "PAGE", 2)
    for number in (1, 2, 3):
        hub.publish(f"T{number}", f"Nghỉ chế độ {number}")
    content = packed(by_hand, hub)
    with by_hand.at("H15") as side:
        # when
        source = brought(content, side.office.author)
        # then it is as over a line: proved, not true yet, and true by the own gate
        assert (source.error_code, source.authority) == ("", "G01")
        assert state_of(source, "T3").state == CodeState.NEW
        assert item("T3") is None
        take(side, source)
        assert item("T3").name_vi == "Nghỉ chế độ 3"
        # and reading the stick twice keeps nothing twice
        kept = CatalogueCode.objects.count()
        assert brought(content, side.office.author).error_code == ""
        assert CatalogueCode.objects.count() == kept
        said = catalogues_held(source)
        person = user_make("nobody-here")
        with pytest.raises(NotAllowed):
            brought(content, person)
    # then the agency's next package says so, and the hub's page knows it
    statement = Statement(agency="H15", sequence=1, previous=None, made_at=clock.now().astimezone(UTC), parts=[A_PART], catalogues=said)
    assert Opened.stated(statement_bytes(statement), Statement).catalogues == said
    with by_hand.at_hub():
        catalogues_held_take(agency=Agency.objects.get(code="H15"), said=CataloguesHeld(held=said))
        line = next(one for one in hub_catalogues()[0] if one.name == LIST)
        assert line.current == 1


def test_a_stick_with_older_lists_or_others_than_were_signed_changes_nothing(by_hand, hub):
    # given
    hub.publish("S1", "Theo nguyện vọng", code_list="secondment_reason")
    old = packed(by_hand, hub)
    hub.publish("S2", "Nghỉ thai sản")
    new = packed(by_hand, hub)
    with by_hand.at("H15") as side:
        assert brought(new, side.office.author).error_code == ""
        kept = CatalogueCode.objects.count()
        # when
        brought(old, side.office.author)  # lists that did not change are the same in both
        for reason, content in {
            Reason.CONTENT_DIFFERS: rezipped(new, f"lists/{LIST}.json", lambda body: body.replace(b"Ngh", b"Ngi")),
            Reason.OTHER_ENTRIES: rezipped(new, f"lists/{LIST}.json", None),
            Reason.STATEMENT_INVALID: rezipped(new, STATEMENT, lambda body: b" " + body),
            Reason.SIGNATURE_REFUSED: rezipped(new, STATEMENT, lambda body: body.replace(b'"changed_at":"20', b'"changed_at":"19')),
            Reason.WRONG_AGENCY: rezipped(new, STATEMENT, lambda body: body.replace(b'"hub":"G01"', b'"hub":"G02"')),
        }.items():
            with pytest.raises(PackageRefused) as refused:
                brought(content, side.office.author)
            assert refused.value.reason == reason
        # then
        assert CatalogueCode.objects.count() == kept
        # and of lists that are all older it is said so
        CatalogueRead.objects.update(version=2**40)
        with pytest.raises(PackageRefused) as refused:
            brought(new, side.office.author)
        assert refused.value.reason == Reason.OLDER_LISTS
        CatalogueRead.objects.update(version=0)
    with by_hand.at_hub(), pytest.raises(SignatureRefused):  # a list was published since it was signed
        lists_file(actor=hub.office.author, signature=sign_freely(hub.office.p12, b"{}", signed_at=clock.now()), file=io.BytesIO())
    with by_hand.at_hub(), pytest.raises(NotAllowed):
        lists_statement(actor=user_make("nobody-there"))


@pytest.mark.long
def test_the_pages_write_and_read_the_stick(by_hand, hub):
    hub.publish("V1", "Nghỉ hằng năm")
    clients = Client()
    with by_hand.at_hub():
        clients.force_login(hub.office.author)
        statement = clients.get(reverse("exchange:catalogue_statement"))
        signature = SimpleUploadedFile("lists.p7s", sign_freely(hub.office.p12, statement.content, signed_at=clock.now()))
        assert clients.post(reverse("exchange:catalogue_package"), {}).status_code == 302
        content = b"".join(clients.post(reverse("exchange:catalogue_package"), {"file": signature}).streaming_content)
    with by_hand.at("H15") as side:
        clients.force_login(side.office.author)
        assert b'name="file"' in clients.get(reverse("exchange:catalogue_list")).content
        clients.post(reverse("exchange:catalogue_bring"), {"file": SimpleUploadedFile("lists.zip", content)})
        assert state_of(CatalogueSource.objects.get(), "V1").state == CodeState.NEW


A_PART = part_made(1, key="0" * 64, kind="staff_profile", items=1, body=b"{}")


def rezipped(content, name, change):
    """The package with one file changed, or left out where `change` is None."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(stream, "w") as after:
        for one in before.namelist():
            if one != name or change is not None:
                after.writestr(one, change(before.read(one)) if one == name else before.read(one))
    return stream.getvalue()


# --- the bell ------------------------------------------------------------------------------------------------------------


def rung(side):
    """The lists of which the bell tells, by list and whether it still does."""
    rows = Notice.objects.filter(kind=NoticeKind.CATALOGUE, user=side.office.author)
    return {(one.detail["list"], one.key.rpartition(":")[2]): one.read_at is None for one in rows}


def test_the_bell_tells_of_a_new_version_once_and_falls_silent_when_it_is_in_force(trio, hub):
    # given everything until now is in force
    with trio.at("H15"):
        Notice.objects.filter(kind=NoticeKind.CATALOGUE).delete()
    hub.publish("B1", "Nghỉ bù", code_list="training_mode")
    # when
    source = pull(trio)
    with trio.at("H15") as side:
        version = str(CatalogueRead.objects.get(source=source, name="training_mode").version)
        # then
        assert rung(side)["training_mode", version] is True
        line = line_of(Notice.objects.filter(user=side.office.author, detail__list="training_mode").get(read_at=None))
        assert catalogue_title("training_mode") in line.text
        assert line.address.endswith("?list=training_mode")
        told = Notice.objects.count()
    pull(trio)
    with trio.at("H15") as side:
        assert Notice.objects.count() == told, "once a version"
        # and a clash is chosen, all is taken over, and the bell is silent
        for one in standings(source):
            if one.state == CodeState.CLASH:
                code_choose(actor=side.office.author, code=one.published, choice="keep", reason="đang dùng")
        assert rung(side)["training_mode", version] is True
        take(side, source)
        assert catalogues_silence() >= 1
        assert not any(rung(side).values())
    # and a later version rings anew
    hub.publish("B1", "Nghỉ bù, nghỉ lễ", code_list="training_mode")
    pull(trio)
    with trio.at("H15") as side:
        assert [name for (name, _version), rings in rung(side).items() if rings] == ["training_mode"]


# --- evidence ------------------------------------------------------------------------------------------------------------


def test_what_proves_a_code_and_a_list_is_checked_offline(trio, hub, tmp_path, settings):
    # given
    hub.publish("W1", "Điều chuyển tạm thời")
    hub.publish("W2", "Điều chuyển lâu dài")
    source = pull(trio)
    anchor = settings.TRUST_DIRECTORY / "root.pem"
    clients = Client()
    with trio.at("H15") as side:
        clients.force_login(side.office.author)
        one = state_of(source, "W1").published
        code = clients.get(reverse("exchange:catalogue_code_evidence", args=[one.pk])).content
        whole = clients.get(reverse("exchange:catalogue_evidence", args=[LIST])).content
        assert clients.get(reverse("exchange:catalogue_evidence", args=["no_such_list"])).status_code == 404
        clients.force_login(user_make("nobody-at-all"))
        assert clients.get(reverse("exchange:catalogue_evidence", args=[LIST])).status_code == 404
    # then the code holds by itself
    path = tmp_path / "evidence.zip"
    path.write_bytes(code)
    lines = verify(path, anchor)
    assert lines[-1] == "GOOD"
    assert any("for the agency G01" in line for line in lines)
    path.write_bytes(rezipped(code, "document.json", lambda body: body.replace("tạm".encode(), "hẳn".encode())))
    with pytest.raises(Broken):
        verify(path, anchor)
    # and so does the list, whole; one code less, or the code of another list, and it does not
    path.write_bytes(whole)
    assert verify_list(path, anchor)[-1] == "GOOD"
    left_out = f"codes/{one.key}.zip"
    for content in (
        rezipped(whole, left_out, None),
        rezipped(rezipped(whole, left_out, None), "list.json", lambda body: canonical({**parse(body), "codes": parse(body)["codes"] - 1})),
        rezipped(whole, "list.json", lambda body: body.replace(b'"G01"', b'"G02"')),
        rezipped(whole, left_out, lambda body: rezipped(body, "document.json", lambda text: text + b" ")),
    ):
        path.write_bytes(content)
        with pytest.raises(Broken):
            verify_list(path, anchor)
