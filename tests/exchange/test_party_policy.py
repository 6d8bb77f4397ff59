"""The field policy of the Party database: nothing crosses that it does not name, over generated documents and policies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.party import COLUMNS, KEY, Line, Policy, PolicyInvalid, cut, let_in, policy_in_force, policy_read
from registry.schema import STAFF_PROFILE

FIELDS = [one.name for one in STAFF_PROFILE.fields]
LISTS = {one.name: [column.name for column in one.fields] for one in STAFF_PROFILE.rows}
ROW_COLUMNS = [f"{rows}.{column}" for rows, columns in LISTS.items() for column in columns]

VALUES = st.one_of(st.none(), st.text(min_size=1, max_size=5), st.integers(0, 99))


@st.composite
def documents(draw):
    """Any document, with values that say where they come from."""
    document = {name: None if draw(st.booleans()) else f"value of {name}" for name in FIELDS}
    for rows, columns in LISTS.items():
        count = draw(st.integers(0, 2))
        document[rows] = [{column: None if draw(st.booleans()) else f"value of {rows}.{column} {row}" for column in columns} for row in range(count)]
    return document


@st.composite
def policies(draw):
    names = draw(st.sets(st.sampled_from(FIELDS + ROW_COLUMNS), max_size=25))
    return Policy(tuple(Line(name, draw(st.booleans()), draw(st.booleans()) and name in FIELDS, "") for name in sorted(names)))


def leaves(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


@given(documents(), policies(), st.sets(st.sampled_from(FIELDS + list(LISTS)), max_size=4))
def test_nothing_goes_out_that_the_policy_does_not_name_or_a_mark_holds(document, policy, marks):
    # when
    gone = cut(document, policy=policy, withheld=marks)
    # then
    for path, value in leaves(gone):
        assert path in policy.outward
        assert path.partition(".")[0] not in marks
        assert str(value).startswith(f"value of {path}")
    # and what is named, known and not marked does go
    wanted = {name for name in FIELDS if name in policy.outward and document[name] is not None and name not in marks and name != KEY}
    assert wanted == {name for name in gone if name in FIELDS}


@given(st.dictionaries(st.sampled_from([*FIELDS, *LISTS, "fee_paid"]), VALUES), policies())
def test_nothing_comes_in_that_the_policy_does_not_name(fields, policy):
    allowed, left_out = let_in(fields, policy=policy)
    assert set(allowed) <= policy.inward
    assert set(allowed) | set(left_out) == set(fields)


def test_the_table_that_comes_along_can_be_used_and_keeps_the_key_on_one_side():
    policy = policy_in_force()
    assert KEY in policy.outward
    assert KEY not in policy.inward
    assert "family" not in {one.partition(".")[0] for one in policy.outward}
    assert all(one.why for one in policy.lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("salary,1,0,x", "there is no field"),
        ("degrees,1,0,x", "named by its columns"),
        ("degrees.price,1,0,x", "there is no field"),
        ("birth_name,yes,0,x", "must be 1 or 0"),
        ("degrees.degree,1,1,x", "cannot come in"),
        ("citizen_id,1,1,x", "cannot come in"),
        ("gender,1,0,x\ngender,0,0,x", "stands twice"),
    ],
)
def test_a_table_with_a_slip_of_the_pen_opens_nothing(line, said):
    with pytest.raises(PolicyInvalid, match=said):
        policy_read([",".join(COLUMNS), *line.split("\n")])


def test_a_table_with_other_columns_is_refused():
    with pytest.raises(PolicyInvalid, match="first line"):
        policy_read(["name,out", "birth_name,1"])
