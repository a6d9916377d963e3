"""What learners see: actions as features, and parts of a history."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import Arm, History, Roles, SettingError
from uplift.encoder import Encoder
from uplift.sample import Sample, Space

steady = settings(derandomize=True, deadline=None, max_examples=100)
channels = st.sampled_from(["email", "sms", "push", "mail"])
hours = st.none() | st.integers(0, 23) | st.floats(0, 23) | st.sampled_from(["Mon 8:00", "Tue 18:00"])
action_sets = st.lists(st.builds(Arm, channels, hours), min_size=1, max_size=12, unique=True)


def history(n: int = 300, *, rate: float = 0.2, seed: int = 0) -> History:
    """Return a history of two arms and a control, whose customers respond at a rate."""
    rng = np.random.default_rng(seed)
    columns = {
        "arm": rng.choice(["none", "a", "b"], n),
        "x": rng.normal(size=n),
        "tier": rng.choice(["gold", "silver"], n),
        "spend": np.where(rng.random(n) < rate, rng.random(n) + 1, 0.0),
    }
    return History.from_table(pa.table(columns), Roles(outcome="spend", control="none", treatment="arm"))


@steady
@given(action_sets)
def test_different_actions_have_different_codes(actions: list[Arm]) -> None:
    space = Space.of(actions)
    assert len(space) == len(actions) == len(space.channel)
    assert space.design.shape == (len(actions), len(space.ordered))
    assert len(np.unique(space.design, axis=0)) == len(actions)


@steady
@given(action_sets)
def test_actions_of_one_channel_or_send_time_share_its_code(actions: list[Arm]) -> None:
    space = Space.of(actions)
    same_channel = [[one.channel == two.channel for two in actions] for one in actions]
    np.testing.assert_array_equal(space.channel[:, None] == space.channel, same_channel)
    if len({action.send_time for action in actions}) > 1:
        times = space.design[:, -1]
        same_time = [[one.send_time == two.send_time for two in actions] for one in actions]
        np.testing.assert_array_equal(times[:, None] == times, same_time)


@steady
@given(action_sets)
def test_a_column_that_never_varies_is_left_out(actions: list[Arm]) -> None:
    varying = [len({arm.channel for arm in actions}) > 1, len({arm.send_time for arm in actions}) > 1]
    assert Space.of(actions).design.shape[1] == sum(varying)


@steady
@given(st.lists(st.integers(0, 23) | st.floats(0, 23), min_size=2, max_size=12, unique=True))
def test_numeric_send_times_are_in_order_and_others_are_not(times: list[float]) -> None:
    space = Space.of([Arm("email", time) for time in times])
    assert space.ordered == (True,)
    np.testing.assert_array_equal(np.argsort(space.design[:, 0]), np.argsort(times))
    assert Space.of([Arm("email", str(time)) for time in times]).ordered == (False,)
    assert Space.of([Arm("email", time) for time in [*times, None]]).ordered == (False,)


def test_a_single_action_needs_no_features() -> None:
    space = Space.of([Arm("email", 8)])
    assert space.design.shape == (1, 0)
    assert space.ordered == ()


def test_more_actions_than_codes_can_tell_apart_are_refused() -> None:
    assert len(np.unique(Space.of([Arm(f"offer {place}") for place in range(256)]).design)) == 256
    with pytest.raises(SettingError, match="257 channels and 1 send times"):
        Space.of([Arm(f"offer {place}") for place in range(257)])
    with pytest.raises(SettingError, match="Bin the send times"):
        Space.of([Arm("email", place) for place in range(300)])


def test_a_sample_holds_the_rows_of_its_history() -> None:
    past = history()
    sample = Sample.of(past, Encoder.fit(past.features))
    assert len(sample) == len(past)
    assert sample.categories == (past.features.column_names.index("tier"),)
    for name in ("arm", "outcome", "response", "propensity"):
        np.testing.assert_array_equal(getattr(sample, name), getattr(past, name))


@pytest.mark.parametrize("as_mask", [True, False])
def test_part_of_a_sample_is_the_sample_of_that_part(as_mask: bool) -> None:
    past = history()
    sample = Sample.of(past, Encoder.fit(past.features))
    mask = np.random.default_rng(1).random(len(past)) < 0.4
    part = sample.take(mask if as_mask else np.flatnonzero(mask))
    assert len(part) == mask.sum()
    for name in ("codes", "arm", "outcome", "response", "propensity"):
        np.testing.assert_array_equal(getattr(part, name), getattr(sample, name)[mask])
    assert part.codes.flags.f_contiguous
    assert part.space is sample.space


@pytest.mark.parametrize(("rate", "two_part"), [(0.0, False), (0.03, True), (0.5, True), (1.0, False)])
def test_mostly_zero_outcomes_are_learned_in_two_parts(rate: float, two_part: bool) -> None:
    past = history(rate=rate)
    assert Sample.of(past, Encoder.fit(past.features)).two_part is two_part


def test_every_part_of_a_sample_is_learned_like_the_whole() -> None:
    past = history(400, rate=0.8, seed=3)
    sample = Sample.of(past, Encoder.fit(past.features))
    for half in (sample.response, ~sample.response):
        assert sample.take(half).two_part == sample.two_part
