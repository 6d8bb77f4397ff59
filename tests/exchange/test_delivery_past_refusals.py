"""At the agency: what the hub refused and keeps as refused lets the next version go."""

from tests.exchange.office import PaperHub, accept, once, state_of, states


def refuse_kept(change):
    """A hub that refuses one version of one record and keeps it as refused."""
    refusal = {"outcome": "rejected", "code": "RULE", "message": "Sai", "set_aside": True}
    return lambda item: refusal if (item.key, item.version) == (change.key, change.base_version + 1) else accept(item)


def test_the_agency_sends_the_correction_past_the_refusal_and_both_end(office, sender, channel):
    # given two versions in line, of which the hub refuses the first and says that it keeps it
    first = sender.person()
    second = first.again(phone="0987654321")
    office.apply(first)
    office.apply(second)
    refusing = PaperHub(judge=refuse_kept(first))
    once(channel, refusing)
    assert (state_of(channel, first).state, state_of(channel, first).set_aside) == ("rejected", True)
    # when the next round comes
    once(channel, refusing)
    # then the correction arrived, and the refused one is done with
    assert [[version for _key, version in batch] for batch in refusing.sent] == [[1], [2]]
    assert (state_of(channel, second).state, state_of(channel, first).state) == ("received", "replaced")


def test_units_below_a_refused_unit_follow_its_correction(office, sender, channel, monkeypatch):
    monkeypatch.setattr("exchange.services.forming.MAX_ITEMS", 1)
    above = sender.unit(parent=str(sender.root), name="Sở Nội vụ")
    below = sender.unit(parent=str(above.key))
    office.apply(above, below)
    judging = PaperHub(judge=refuse_kept(above))
    for _ in range(3):
        once(channel, judging)
    assert states(channel) == {"rejected": 1, "parked": 1}
    office.apply(above.again(name="Sở Nội vụ tỉnh"))
    for _ in range(4):
        once(channel, judging)
    assert states(channel) == {"replaced": 1, "received": 2}
