"""Two agencies and a hub, three places with servers of their own, over lines that are slow, lose connections, or are cut.

Everything is delivered once and in order, a person passes from one agency to the other and is somebody's at every moment, and both agencies
end with a certificate that what they hold and what the hub holds of them is equal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.demo.pki import DemoAuthority
from tests.faults.addresses import Address, addresses
from tests.faults.line import Weather
from tests.faults.place import Far, place

PEOPLE = 200
AGENCIES = ("H15", "H16")
HUB = "G09"
RUNNING = {"agency": ("agency-web", "agency-worker", "agency-beat"), "hub": ("hub-web", "hub-worker", "hub-beat")}
SLOW = Weather(delay=0.05, rate=200_000)
LOSSY = Weather(delay=0.005, lost=0.3)
CUT = Weather(up=False)
FAIR = Weather()
PATIENCE = 420.0
CERTIFYING = "tests.faults.certifying"

VERSIONS = "select kind, key, version, encode(document_id, 'hex') from workflows_recordversion"
WAITING = (
    "select (select count(*) from workflows_outboxmessage where kind in ('org_unit', 'staff_profile')) "
    "- (select count(*) from exchange_delivery where state = 'received')"
)
# The agency that keeps a person is the one at the root of the tree of the unit that uses them.
OWNERS = (
    "select p.id, string_agg(a.code, ',') from registry_staffprofile p left join orgtree_orgunit u on u.id = p.using_unit_id "
    "left join orgtree_orgunit r on r.tree_id = u.tree_id and r.lft <= u.lft and r.rght >= u.rght "
    "left join exchange_agency a on a.root_id = r.id group by p.id"
)


@dataclass
class Agency:
    code: str
    far: Far
    address: Address
    folder: Path

    def waiting(self) -> int:
        return self.far.rows("agency", WAITING)[0][0]

    def weather(self, weather: Weather) -> None:
        """A cut is a cable where there is one."""
        if self.address.cable is not None:
            self.address.cable(weather.up)
        self.far.weather("line", FAIR if self.address.cable is not None and not weather.up else weather)

    def passing(self, *arguments: str) -> None:
        self.far.act("agency", "tests.faults.passing", str(self.folder), *arguments)

    def certifying(self, what: str) -> None:
        self.far.act("agency", CERTIFYING, str(self.folder), what)


@contextmanager
def three_places(folder: Path) -> Iterator[tuple[Agency, Agency, Far]]:
    """Servers are up, each agency has people to deliver and is known to the hub; nobody delivers yet."""
    trust = folder / "trust"
    DemoAuthority(folder / "pki").publish(trust)
    with addresses(*AGENCIES, HUB) as where, ExitStack() as leaving:
        hub = leaving.enter_context(place(folder / HUB, HUB, trust, where[HUB].within))
        agencies = []
        for number, code in enumerate(AGENCIES):
            far = leaving.enter_context(place(folder / code, code, trust, where[code].within))
            client = f"client-{code}"
            hub.manage("hub", "hub_agency", "--code", code, "--name", f"Tỉnh {code}", "--client-id", client, "--secret-stdin", stdin=far.secret())
            url = far.connect("line", where[code].ip, hub.listen(code, where[HUB].ip), number)
            far.act("agency", "tests.faults.filling", str(PEOPLE), str(folder), url, client)
            agencies.append(Agency(code, far, where[code], folder))
        yield agencies[0], agencies[1], hub


def wait_for(question: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.2)


def state(agency: Agency, table: str, key: str) -> str:
    select = {
        "out": f"select t.state from exchange_outgoingtransfer t join exchange_transferrelease r on r.id = t.release_id where r.person = '{key}'",
        "in": f"select state from exchange_incomingtransfer where person = '{key}'",
    }
    found = agency.far.rows("agency", select[table])
    return found[0][0] if found else ""


@pytest.mark.long
def test_two_agencies_and_a_hub_over_bad_lines(tmp_path: Path) -> None:
    with three_places(tmp_path) as (first, second, hub):
        # given a slow line and one that loses connections
        first.weather(SLOW)
        second.weather(LOSSY)
        hub.start(*RUNNING["hub"])
        for agency in (first, second):
            agency.far.start(*RUNNING["agency"])
        # when the first one's line is cut in the middle of its delivery, and a person is let go meanwhile
        everything = first.waiting()
        wait_for(lambda: first.waiting() < everything * 2 // 3, "a third of the first agency's delivery")
        first.weather(CUT)
        ((key,),) = first.far.rows("agency", "select id from registry_staffprofile order by id limit 1")
        first.passing("release", str(key), second.code)
        wait_for(lambda: second.waiting() == 0, "the second agency's delivery, over a line that loses")
        assert first.waiting() > 0
        assert state(second, "in", str(key)) == ""
        # then nothing is lost: with the line comes the rest, and the offer
        first.weather(SLOW)
        wait_for(lambda: first.waiting() == 0, "the rest of the first agency's delivery")
        wait_for(lambda: state(second, "in", str(key)) == "offered", "the offer")
        second.passing("take", str(key))
        wait_for(lambda: state(second, "in", str(key)) == "taken", "the hub's word that the offer is taken")
        assert_everybody_is_somebodys(hub)
        second.passing("accept", str(key))
        wait_for(lambda: state(first, "out", str(key)) == "completed", "the end of the transfer at the old agency")
        wait_for(lambda: state(second, "in", str(key)) == "completed", "the end of the transfer at the new agency")
        wait_for(lambda: second.waiting() == 0, "the receipt for the person's first version at the new agency")
        owners = assert_everybody_is_somebodys(hub)
        assert owners[key] == second.code
        assert list(owners.values()).count(second.code) == PEOPLE + 1
        # and each version is there once, as it was signed
        there = hub.rows("hub", f"{VERSIONS} where kind in ('org_unit', 'staff_profile') and key <> '{key}' order by 1, 2, 3")
        here = [
            row
            for agency in (first, second)
            for row in agency.far.rows("agency", f"{VERSIONS} where key <> '{key}' and kind in ('org_unit', 'staff_profile')")
        ]
        assert sorted(here) == sorted(there)
        # and over lines that are still bad both compare equal, and each certificate is signed by both sides
        for agency in (first, second):
            assert "equality/1" in agency.far.manage("agency", "reconcile")
            agency.certifying("agency")
        hub.act("hub", CERTIFYING, str(tmp_path), "hub")
        for agency in (first, second):
            agency.certifying("fetch")
            agency.far.manage("agency", "verify_ledger")
        hub.manage("hub", "verify_ledger")
        hub.manage("hub", "verify_evidence")
        assert second.far.counted("line")["lost"] > 0


def assert_everybody_is_somebodys(hub: Far) -> dict[object, str]:
    owners = dict(hub.rows("hub", OWNERS))
    assert set(owners.values()) <= set(AGENCIES)
    return owners
