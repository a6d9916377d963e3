from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from uplift.errors import SettingError
from uplift.simulator import Campaign, simulate, worlds

Floats = npt.NDArray[np.float64]


def small(world: str, *, seed: int = 0) -> Campaign:
    return simulate(world, rows=3000, audience=500, seed=seed)


def drawn_arm(campaign: Campaign) -> npt.NDArray[np.int64]:
    """Return (n,) the action each row was given, −1 for control."""
    labels = [action.label for action in campaign.actions]
    channel, hour = (campaign.history[name] for name in ("channel", "send_hour"))
    given = pc.binary_join_element_wise(channel, hour.cast(pa.string()), " ", null_handling="skip")
    found = pc.fill_null(pc.index_in(given, pa.array(labels)), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def effects(table: pa.Table, campaign: Campaign) -> Floats:
    """Return (n, k) true effects."""
    return np.stack([table[action.label].to_numpy() for action in campaign.actions], axis=1)


def as_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.fixture(scope="module", params=worlds())
def big(request: pytest.FixtureRequest) -> Campaign:
    return simulate(request.param, rows=400_000, audience=1000, seed=11)


def test_a_weighted_difference_in_means_recovers_the_true_average_effect_of_every_action(
    big: Campaign,
) -> None:
    arm, margin = drawn_arm(big), big.history["margin"].to_numpy()
    weight = 1.0 / big.history["assignment_probability"].to_numpy()
    truth = effects(big.history_truth, big)

    def mean_and_variance(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
        w, y = weight[mask], margin[mask]
        mean = float(np.average(y, weights=w))
        return mean, float(np.sum((w * (y - mean)) ** 2) / w.sum() ** 2)

    control, control_variance = mean_and_variance(arm == -1)
    for place in range(len(big.actions)):
        treated, variance = mean_and_variance(arm == place)
        error = treated - control - truth[:, place].mean()
        assert abs(error) < 4 * np.sqrt(variance + control_variance), big.actions[place].label


def test_outcomes_differ_from_their_expectation_by_noise_alone_whatever_the_truth_about_a_customer(
    big: Campaign,
) -> None:
    arm, row = drawn_arm(big), np.arange(big.history.num_rows)
    control = big.history_truth["control"].to_numpy()
    truth = np.concatenate([effects(big.history_truth, big), np.zeros((len(row), 1))], axis=1)[row, arm]
    residual = big.history["margin"].to_numpy() - control - truth
    for direction in (np.ones(len(row)), control, truth):
        score = residual * direction
        assert abs(score.sum()) <= 4 * np.sqrt(np.sum(score**2))


def test_arms_are_given_as_often_as_their_logged_probabilities_say(big: Campaign) -> None:
    arm = drawn_arm(big)
    tier = big.history["tier"].to_numpy(zero_copy_only=False)
    logged = big.history["assignment_probability"].to_numpy()
    for name in np.unique(tier):
        member = tier == name
        total = 0.0
        for place in range(-1, len(big.actions)):
            share = logged[member & (arm == place)]
            assert np.ptp(share) == 0.0
            expected, n = share[0], int(member.sum())
            z = (len(share) / n - expected) / np.sqrt(expected * (1 - expected) / n)
            assert abs(z) < 4
            total += expected
        assert total == pytest.approx(1.0, abs=1e-12)


def test_arm_probabilities_are_unequal_and_depend_on_the_tier_only_in_the_tilted_world() -> None:
    for world in worlds():
        history = small(world).history.to_pandas()
        shares = history.groupby(["channel", "send_hour", "tier"])["assignment_probability"].first().unstack()
        assert shares.iloc[:, 0].nunique() > 10
        assert bool((shares.max(axis=1) > 1.05 * shares.min(axis=1)).any()) == (world == "steps")


def test_the_null_world_has_no_effect_on_anybody() -> None:
    campaign = small("null")
    assert not effects(campaign.truth, campaign).any()
    assert not effects(campaign.history_truth, campaign).any()


def test_the_average_world_treats_everybody_alike_and_the_others_do_not() -> None:
    for world in set(worlds()) - {"null"}:
        campaign = small(world)
        spread = effects(campaign.truth, campaign).std(axis=0)
        assert (spread.max() < 1e-12) == (world == "average")


def test_contacts_cost_margin_for_a_group_of_sleeping_dogs_that_features_name() -> None:
    campaign = simulate("sleeping_dogs", rows=10, audience=20_000)
    people = campaign.audience.to_pandas()
    dogs = (people.frequency >= 3) & (people.discount_share < 0.4) & ~people.newsletter
    harm = effects(campaign.truth, campaign) < 0
    assert 0.08 < dogs.mean() < 0.3
    assert harm[dogs].all()
    assert not harm[~dogs].any()


def test_few_buyers_are_too_few_to_learn_from_even_among_two_hundred_thousand() -> None:
    campaign = simulate("few_buyers", audience=10)
    buyers = np.bincount(
        drawn_arm(campaign)[campaign.history["converted"].to_numpy(zero_copy_only=False)] + 1
    )
    assert buyers[1:].min() < 30
    assert 0.0003 < buyers.sum() / 200_000 < 0.0007


def test_margins_are_heavy_tailed_cents_and_negative_only_where_orders_come_back() -> None:
    for world in worlds():
        history = simulate(world, rows=60_000, audience=10).history
        margin, converted = (history[name].to_numpy(zero_copy_only=False) for name in ("margin", "converted"))
        np.testing.assert_array_equal(margin, np.round(margin, 2))
        assert not margin[~converted].any()
        assert not np.signbit(margin[margin == 0.0]).any()
        assert (margin.min() < 0) == (world == "steps")
        if world != "few_buyers":
            assert margin.max() > 6 * margin[converted].mean()
            assert 0.03 < converted.mean() < 0.06
            assert 25 < margin[converted].mean() < 60


def test_the_shift_world_moves_the_audience_and_nothing_else() -> None:
    rich, shift = (simulate(world, rows=5000, audience=5000) for world in ("rich", "shift"))
    assert rich.history.equals(shift.history)
    ages = [pc.mean(table["age"]).as_py() for table in (rich.history, rich.audience, shift.audience)]
    assert abs(ages[0] - ages[1]) < 1.5
    assert ages[2] < ages[0] - 5


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (small("steps", seed=seed) for seed in (3, 3, 4))
    for name in ("history", "audience", "truth", "history_truth"):
        table = as_bytes(getattr(first, name))
        assert table == as_bytes(getattr(again, name))
        assert table != as_bytes(getattr(other, name))


def test_the_size_of_the_audience_does_not_change_the_history() -> None:
    one, other = (simulate(rows=2000, audience=n) for n in (10, 900))
    assert one.history.equals(other.history)


def test_ids_are_unique_text_and_nobody_is_in_both_tables() -> None:
    campaign = simulate(rows=20_000, audience=9000)
    both = pa.chunked_array(
        [*campaign.history["customer_id"].chunks, *campaign.audience["customer_id"].chunks]
    )
    assert both.type == pa.string()
    assert len(both.unique()) == 29_000
    assert set(pc.utf8_length(both).unique().to_pylist()) == {9}
    assert pc.any(pc.starts_with(both, "0")).as_py()
    assert campaign.truth["customer_id"].equals(campaign.audience["customer_id"])
    assert campaign.history_truth["customer_id"].equals(campaign.history["customer_id"])


def test_columns_are_of_mixed_types_and_some_values_are_missing() -> None:
    campaign = simulate(rows=20_000, audience=20_000)
    history, audience = campaign.history, campaign.audience
    missing = {name for name in history.column_names if history[name].null_count}
    assert missing == {"age", "device", "preferred_hour", "send_hour"}
    assert {str(field.type) for field in history.schema} == {
        "int64",
        "double",
        "string",
        "bool",
        "date32[day]",
    }
    features = [name for name in audience.column_names if not name.endswith("consent")]
    assert features == [name for name in history.column_names if name in audience.column_names]
    for name, share in (("email_consent", 0.88), ("sms_consent", 0.55)):
        given = audience[name]
        assert pc.mean(given.cast(pa.int8())).as_py() == pytest.approx(share, abs=0.02)
        assert 0.01 < given.null_count / 20_000 < 0.1


def test_control_has_no_hour_and_no_cost_and_every_contact_has_both() -> None:
    campaign = small("costly")
    history = campaign.history.to_pandas()
    control = history.channel == "none"
    assert (history.send_hour.isna() == control).all()
    assert (history.cost == history.channel.map({"none": 0.0, **campaign.costs})).all()
    assert control.mean() == pytest.approx(0.35, abs=0.03)


@pytest.mark.parametrize(
    ("send_times", "labels", "kind"),
    [
        ((8, 20), ["post 8", "post 20"], "int64"),
        ((8.5, 20), ["post 8.5", "post 20.0"], "double"),
        (("Tue 18:00", 9), ["post Tue 18:00", "post 9"], "string"),
        ((), ["post"], None),
    ],
)
def test_send_times_may_be_hours_or_labels_or_none(
    send_times: tuple[str | int | float, ...], labels: list[str], kind: str | None
) -> None:
    campaign = simulate(rows=100, audience=10, channels=["post"], send_times=send_times)
    assert [action.label for action in campaign.actions] == labels
    assert campaign.truth.column_names == ["customer_id", *labels]
    names = campaign.history.column_names
    assert ("send_hour" in names) == (kind is not None)
    if kind is not None:
        assert str(campaign.history.schema.field("send_hour").type) == kind


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"world": "rihc"}, "Did you mean 'rich'"),
        ({"rows": 0}, "0 rows"),
        ({"audience": -1}, "audience of -1"),
        ({"channels": []}, "at least one"),
        ({"channels": ["email", "email"]}, "each once"),
        ({"channels": ["email", "none"]}, "none of them 'none'"),
        ({"send_times": [8, 8]}, "each once"),
        ({"send_times": [8, 25]}, "below 24"),
        ({"control_share": 1.0}, "between 0 and 1"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        simulate(**settings)  # type: ignore[arg-type]
