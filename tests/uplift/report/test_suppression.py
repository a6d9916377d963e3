from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.report.suppression import suppress

counts = st.lists(st.integers(0, 400), max_size=12)


@given(counts)
@settings(derandomize=True, deadline=None)
def test_no_count_from_1_to_49_is_ever_printed(values: list[int]) -> None:
    for value, cell in zip(values, suppress(values), strict=True):
        assert cell.hidden or value == 0 or value >= 50
        assert not cell.hidden or cell.text in ("<50", "hidden")


@given(counts)
@settings(derandomize=True, deadline=None)
def test_what_is_printed_is_true(values: list[int]) -> None:
    for value, cell in zip(values, suppress(values), strict=True):
        if cell.text == "<50":
            assert 0 < value < 50
        elif cell.text == "hidden":
            assert value >= 50
        else:
            assert cell.text == f"{value:,}"


@given(counts)
@settings(derandomize=True, deadline=None)
def test_the_total_minus_what_is_shown_never_gives_one_cell_away(values: list[int]) -> None:
    hidden = [value for value, cell in zip(values, suppress(values), strict=True) if cell.hidden]
    everybody_is_hidden = all(
        cell.hidden or value == 0 for value, cell in zip(values, suppress(values), strict=True)
    )
    if hidden and not everybody_is_hidden:
        assert len(hidden) > 1
        assert sum(hidden) >= 50


def test_nothing_is_hidden_where_every_count_is_large() -> None:
    assert not any(cell.hidden for cell in suppress([50, 51, 0, 9000]))


def test_the_smallest_shown_cell_is_hidden_beside_a_single_small_one() -> None:
    assert [cell.text for cell in suppress([700, 49, 60, 0])] == ["700", "<50", "hidden", "0"]


def test_two_tiny_cells_take_a_third_with_them_because_their_sum_would_tell() -> None:
    assert [cell.text for cell in suppress([700, 1, 1, 60])] == ["700", "<50", "<50", "hidden"]
