"""The hub as an agency's witness, over its API."""

import json
from datetime import UTC, datetime

import pytest

from exchange.connectors import CallFailed
from exchange.contract import ErrorKind
from exchange.hub_contract import Seals
from exchange.services.witnessing import HubWitness
from tests.exchange.test_api import _hub_urls, client, tokens  # noqa: F401 - fixtures
from workflows.services.witnessing import Link, SealContradicted, WitnessSilent

AT = "2026-11-02T00:00:00Z"


def put(client, **said):  # noqa: F811
    told = {"at": datetime.now(UTC).isoformat(), "audit": None, **said}
    return client.put("/api/v1/seals", json.dumps(told), content_type="application/json")


def test_the_hub_keeps_what_it_was_told_and_names_a_contradiction(hub, client):  # noqa: F811
    # when
    answer = put(client, ledger={"sequence": 7, "digest": "7" * 64})
    # then
    assert (answer.status_code, answer.json()["seals"][0]["sequence"]) == (200, 7)
    assert client.get("/api/v1/seals").json() == answer.json()
    # and what contradicts is refused by name, and not kept
    for ledger, code in (({"sequence": 7, "digest": "8" * 64}, "SEAL_REWRITTEN"), ({"sequence": 6, "digest": "6" * 64}, "SEAL_BACKWARDS")):
        answer = put(client, ledger=ledger)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert len(client.get("/api/v1/seals").json()["seals"]) == 1
    assert put(client, ledger={"sequence": "7", "digest": "x"}).status_code == 422
    # a clock that is far off is said, not kept
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert put(client, at=at, ledger={"sequence": 8, "digest": "8" * 64}).json()["place"] == "$.at"


class Line:
    """A connector whose one call answers, or fails."""

    def __init__(self, outcome):
        self.outcome, self.sent = outcome, None

    def __call__(self, channel):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def call(self, method, path, shape, **request):
        self.sent = (method, path, request.get("content"))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Place:
    code = "national-hub"


def test_the_agency_tells_the_hub_and_hears_what_it_keeps():
    line = Line(Seals(seals=[]))
    witness = HubWitness(Place(), connector=line)
    witness.tell(b'{"schema":"witness/1","authority":"H15","at":"2026-11-02T00:00:00Z","ledger":{"sequence":7,"digest":"77"},"audit":null}')
    assert line.sent == ("PUT", "/seals", b'{"at":"2026-11-02T00:00:00Z","ledger":{"sequence":7,"digest":"77"},"audit":null}')
    kept = Seals(seals=[{"chain": "ledger", "sequence": 7, "digest": "77", "at": AT}])
    kept.seals = [type("Kept", (), one) for one in kept.seals]
    assert list(HubWitness(Place(), connector=Line(kept)).told()) == [Link("ledger", 7, "77")]


@pytest.mark.parametrize(("code", "error"), [("SEAL_REWRITTEN", SealContradicted), ("HTTP_503", WitnessSilent)])
def test_a_hub_that_is_away_is_not_one_that_contradicts(code, error):
    line = Line(CallFailed(ErrorKind.TRANSIENT, code, "..."))
    with pytest.raises(error):
        HubWitness(Place(), connector=line).tell(b'{"at":"x","ledger":null,"audit":null}')
