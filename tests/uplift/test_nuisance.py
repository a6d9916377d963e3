"""The baseline against simulated truths: what customers do without a contact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from uplift import History, Roles
from uplift.encoder import Encoder
from uplift.nuisance import FEW, Baseline
from uplift.sample import Sample
from uplift.simulator import Campaign, simulate

Array = np.ndarray


def sample_of(table: pa.Table) -> Sample:
    roles = Roles(
        outcome="margin",
        control="none",
        customer="customer_id",
        channel="channel",
        probability="assignment_probability",
        response="converted",
        exclude=("cost",),
    )
    past = History.from_table(table, roles)
    return Sample.of(past, Encoder.fit(past.features))


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return simulate("rich", rows=12_000, audience=10, channels=["email", "sms"], send_times=[], seed=4)


@pytest.fixture(scope="module")
def sample(campaign: Campaign) -> Sample:
    return sample_of(campaign.history)


@pytest.fixture(scope="module")
def baseline(sample: Sample) -> Baseline:
    return Baseline.fit(sample)


def test_the_mean_is_the_probability_of_a_response_times_its_size(sample: Sample, baseline: Baseline) -> None:
    chance, size = baseline.probability(sample.codes), baseline.size(sample.codes)
    np.testing.assert_array_equal(baseline.mean(sample.codes), chance * size)
    assert ((chance > 0) & (chance < 1)).all()
    assert (size > 0).all()


def test_the_baseline_has_the_level_of_the_control_rows(sample: Sample, baseline: Baseline) -> None:
    control = sample.arm < 0
    chance = baseline.probability(sample.codes)[control].mean()
    assert chance == pytest.approx(sample.response[control].mean(), rel=0.05)
    assert baseline.rate == sample.response[control].mean()
    buyers = sample.response
    assert baseline.size(sample.codes)[buyers].mean() == pytest.approx(sample.outcome[buyers].mean(), rel=0.1)


def test_the_baseline_ranks_customers_it_never_saw_by_their_true_margin(
    campaign: Campaign, sample: Sample
) -> None:
    rows = np.arange(len(sample))
    fitted = Baseline.fit(sample.take(rows % 2 == 0))
    held_out = rows % 2 == 1
    truth = np.asarray(campaign.history_truth["control"])[held_out]
    assert np.corrcoef(fitted.mean(sample.codes[held_out]), truth)[0, 1] > 0.4


def test_whether_treated_customers_responded_has_no_part_in_the_probability(sample: Sample) -> None:
    rng = np.random.default_rng(0)
    other = replace(sample, response=np.where(sample.arm < 0, sample.response, rng.random(len(sample)) < 0.5))
    np.testing.assert_array_equal(
        Baseline.fit(other).probability(sample.codes), Baseline.fit(sample).probability(sample.codes)
    )


def test_few_responders_all_have_the_mean_margin(sample: Sample) -> None:
    buyers = np.flatnonzero(sample.response)
    some = sample.take(np.sort(np.concatenate([buyers[: FEW - 1], np.flatnonzero(~sample.response)])))
    size = Baseline.fit(some).size(sample.codes)
    np.testing.assert_allclose(size, some.outcome[some.response].mean())


def test_margins_may_be_negative(sample: Sample) -> None:
    returned = np.where(sample.codes[:, 0] > np.median(sample.codes[:, 0]), -1.0, 1.0)
    fitted = Baseline.fit(replace(sample, outcome=sample.outcome * returned))
    size = fitted.size(sample.codes)
    assert (np.sign(size) == returned).mean() > 0.8


def test_nobody_responding_is_a_baseline_of_next_to_nothing(sample: Sample) -> None:
    silent = replace(sample, outcome=np.zeros(len(sample)), response=np.zeros(len(sample), bool))
    fitted = Baseline.fit(silent)
    assert (fitted.mean(sample.codes) == 0).all()
    chance = fitted.probability(sample.codes)
    assert ((chance > 0) & (chance < 1e-3)).all()


def test_an_outcome_that_everybody_has_is_one_part() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    x = rng.normal(size=n)
    table = pa.table(
        {"arm": rng.choice(["none", "a"], n), "x": x, "minutes": 30 + 5 * x + rng.normal(size=n)}
    )
    past = History.from_table(table, Roles(outcome="minutes", control="none", treatment="arm"))
    sample = Sample.of(past, Encoder.fit(past.features))
    fitted = Baseline.fit(sample)
    assert (fitted.probability(sample.codes) == 1).all()
    assert np.abs(fitted.mean(sample.codes) - (30 + 5 * x)).mean() < 1
    np.testing.assert_array_equal(fitted.mean(sample.codes), fitted.size(sample.codes))


def test_other_money_changes_sizes_and_no_probability(sample: Sample, baseline: Baseline) -> None:
    cents = Baseline.fit(replace(sample, outcome=128 * sample.outcome))
    np.testing.assert_array_equal(cents.probability(sample.codes), baseline.probability(sample.codes))
    np.testing.assert_allclose(cents.size(sample.codes), 128 * baseline.size(sample.codes), rtol=1e-3)
