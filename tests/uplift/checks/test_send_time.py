from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from uplift.checks import check_send_time
from uplift.history import Arm, History


def resend(history: History, later: np.ndarray) -> History:
    """Return the history with the e-mails of 8 and 12 o'clock redistributed: at 12 where `later`."""
    early = (history.arm == 0) | (history.arm == 1)
    arm = np.where(early, later.astype(np.int32), history.arm).astype(np.int32)
    share = np.bincount(arm + 1) / len(arm)
    return replace(history, arm=arm, propensity=share[arm + 1], propensity_known=False)


@pytest.mark.parametrize("dependent", [False, True])
def test_randomised_send_times_pass(make: Callable[..., History], dependent: bool) -> None:
    (finding,) = check_send_time(make(20_000, dependent=dependent))
    assert (finding.code, finding.verdict) == ("G11", "ok")
    assert "2 channel(s)" in finding.message


def test_send_times_chosen_by_a_feature_are_refused(make: Callable[..., History]) -> None:
    history = make(20_000)
    (finding,) = check_send_time(resend(history, np.asarray(history.features["x"]) > 0))
    assert finding.verdict == "refuse"
    assert "'x'" in finding.message
    assert "'email" in finding.message


def test_send_times_that_depend_on_a_feature_pass_with_their_probabilities(
    make: Callable[..., History],
) -> None:
    assert check_send_time(make(20_000, dependent=True))[0].verdict == "ok"
    assert check_send_time(make(20_000, dependent=True, known=False))[0].verdict == "refuse"


def test_a_dependence_that_no_mean_shows_is_refused_where_probabilities_are_unknown(
    make: Callable[..., History],
) -> None:
    history = make(20_000)
    later = (np.abs(np.asarray(history.features["x"])) < 0.7) ^ (
        np.random.default_rng(0).random(len(history)) < 0.2
    )
    (finding,) = check_send_time(resend(history, later))
    assert finding.verdict == "refuse"
    assert "AUC" in finding.message
    assert "'email'" in finding.message


def test_one_send_time_a_channel_makes_no_claim(make: Callable[..., History]) -> None:
    (finding,) = check_send_time(make(times=(8,)))
    assert (finding.verdict, finding.measured) == ("ok", None)
    (finding,) = check_send_time(replace(make(), actions=tuple(Arm(f"arm {a}") for a in range(6))))
    assert finding.verdict == "ok"
    assert "no claim" in finding.message


def test_a_channel_chosen_by_a_feature_is_no_matter_of_its_send_times(make: Callable[..., History]) -> None:
    """Gold customers get e-mail more often, at a random hour: G3's business, not G11's."""
    history = make(20_000)
    rng = np.random.default_rng(0)
    email = rng.random(len(history)) < np.where(np.asarray(history.features["x"]) > 0, 0.8, 0.3)
    hour = rng.integers(0, 3, len(history))
    arm = np.where(history.arm < 0, -1, np.where(email, hour, 3 + hour)).astype(np.int32)
    share = np.bincount(arm + 1) / len(arm)
    chosen = replace(history, arm=arm, propensity=share[arm + 1], propensity_known=False)
    assert check_send_time(chosen)[0].verdict == "ok"


def test_features_that_do_not_vary_predict_nothing(clean: History) -> None:
    features = pa.table({"same": pa.array(np.ones(len(clean)))})
    (finding,) = check_send_time(replace(clean, features=features))
    assert (finding.verdict, finding.measured) == ("ok", None)


def test_a_hundred_randomised_histories_raise_no_false_alarm(make: Callable[..., History]) -> None:
    verdicts = [check_send_time(make(4_000, seed, known=False))[0].verdict for seed in range(100)]
    assert verdicts.count("refuse") == 0
