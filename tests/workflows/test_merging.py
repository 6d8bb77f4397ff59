"""What two people made of one document, brought together."""

from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.toy import NOTE
from workflows.merging import Clash, merge

words = st.sampled_from([None, "a", "b", "c"])
lines = st.lists(
    st.fixed_dictionaries({"text": st.sampled_from("abcd"), "day": st.just("2026-01-01")}), unique_by=lambda row: row["text"], max_size=4
)
documents = st.builds(lambda name, code, rows: NOTE.merge(None, {"name": name, "code": code, "lines": rows}), words, words, lines)


@given(documents, documents)
def test_where_nobody_else_changed_anything_mine_stands(was, mine):
    merged = merge(NOTE, was=was, mine=mine, now=was)
    assert not merged.clashes
    assert NOTE.merge(was, merged.patch) == mine


@given(documents, documents)
def test_where_i_changed_nothing_there_is_nothing_to_do(was, now):
    merged = merge(NOTE, was=was, mine=was, now=now)
    assert (merged.patch, merged.clashes) == ({}, [])


@given(documents, documents)
def test_what_both_made_the_same_is_no_clash(was, both):
    assert merge(NOTE, was=was, mine=both, now=both) == merge(NOTE, was=both, mine=both, now=both)


@given(documents, documents, documents)
def test_every_change_of_mine_arrives_or_is_named(was, mine, now):
    merged = merge(NOTE, was=was, mine=mine, now=now)
    after = NOTE.merge(now, merged.patch)
    clashing = {clash.name for clash in merged.clashes}
    assert clashing.isdisjoint(merged.patch)
    for name in ("name", "code"):
        if name not in clashing:  # mine where I changed it, else what is there now
            assert after[name] == (mine[name] if mine[name] != was[name] else now[name])
    if "lines" not in clashing:
        for row in mine["lines"]:
            assert row in after["lines"] or row in was["lines"]
        for row in was["lines"]:  # what I took out is out
            assert row in mine["lines"] or row not in after["lines"]
        for row in now["lines"]:  # what others added stays
            assert row in was["lines"] or row in after["lines"]


@given(documents, documents, documents)
def test_settled_for_mine_my_fields_stand_and_the_others_stay(was, mine, now):
    merged = merge(NOTE, was=was, mine=mine, now=now)
    after = NOTE.merge(now, merged.settled(clash.name for clash in merged.clashes))
    for clash in merged.clashes:
        assert after[clash.name] == mine[clash.name]
    assert NOTE.merge(now, merged.settled([])) == NOTE.merge(now, merged.patch)


def test_a_row_that_both_touched_is_a_clash():
    def note(*texts):
        return NOTE.merge(None, {"name": "n", "lines": [{"text": text, "day": None} for text in texts]})

    was, mine, now = note("a", "b"), note("a"), note("a", "b2")
    assert merge(NOTE, was=was, mine=mine, now=now).clashes == [Clash("lines", was["lines"], mine["lines"], now["lines"])]
    # a row that only I touched, beside one that only others touched, is none
    assert merge(NOTE, was=was, mine=note("a", "b", "m"), now=now).patch["lines"] == note("a", "b2", "m")["lines"]


def test_a_new_record_goes_over_whole():
    mine = NOTE.merge(None, {"name": "n"})
    assert merge(NOTE, was=None, mine=mine, now=None).patch == {"name": "n"}
