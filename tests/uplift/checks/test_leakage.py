from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from uplift.checks import check_leakage
from uplift.checks.words import says_happened, sounds_after
from uplift.findings import Finding
from uplift.history import Arm, History, Roles


def leaks(history: History, name: str, values: object) -> tuple[Finding, ...]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return check_leakage(replace(history, features=history.features.append_column(name, column)))


def refused(findings: tuple[Finding, ...], name: str) -> bool:
    """Return whether G4 refused because of this feature, and said how to leave it out."""
    return any(f.verdict == "refuse" and f"--exclude {name}" in f.next for f in findings)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_clean_history_passes(make: Callable[..., History], dependent: bool, known: bool) -> None:
    (finding,) = check_leakage(make(20_000, dependent=dependent, known=known))
    assert (finding.code, finding.verdict) == ("G4", "ok")


def test_a_copy_of_the_response_is_refused_in_any_type(make: Callable[..., History]) -> None:
    history = make(6_000)
    words = np.where(history.response, "yes", "no")
    orders = pa.array(np.arange(len(history)), mask=~history.response)
    dates = pa.array(np.full(len(history), np.datetime64("2024-05-01")), mask=~history.response)
    for name, values in {
        "copy": history.response,
        "negative": -history.outcome,
        "words": words,
        "order_number": orders,
        "ordered_on": dates,
        "near": history.response + np.random.default_rng(77).normal(size=len(history)) / 2,
    }.items():
        assert refused(leaks(history, name, values), name), name


def test_a_flag_that_every_buyer_has_is_refused_below_auc_90(make: Callable[..., History]) -> None:
    """Half of the others visited too: AUC .75, but nobody buys without a visit."""
    history = make(6_000)
    rng = np.random.default_rng(77)
    visited = history.response | (rng.random(len(history)) < 0.5)
    assert refused(leaks(history, "came", visited), "came")
    assert refused(leaks(history, "came", np.where(visited, "y", "n")), "came")
    unseen = visited & (rng.random(len(history)) < 0.9)
    assert not refused(leaks(history, "came", unseen), "came")


def test_a_trace_that_only_buyers_have_is_refused(make: Callable[..., History]) -> None:
    history = make(6_000)
    returned = history.response & (np.random.default_rng(77).random(len(history)) < 0.2)
    assert refused(leaks(history, "refund", np.where(returned, 12.5, 0.0)), "refund")


def test_a_strong_but_honest_predictor_passes(make: Callable[..., History]) -> None:
    """AUC .80: better than features usually are, and known before."""
    history = make(6_000)
    score = 1.2 * history.response + np.random.default_rng(77).normal(size=len(history))
    (finding,) = leaks(history, "habit", score)
    assert finding.verdict == "ok"
    assert finding.measured is not None
    assert 0.75 < finding.measured < 0.85


def test_what_the_assignment_changed_is_refused_when_its_name_says_so(make: Callable[..., History]) -> None:
    history = make(20_000)
    rng = np.random.default_rng(77)
    moved = rng.random(len(history)) < np.where(history.arm >= 0, 0.2, 0.1)
    assert refused(leaks(history, "opened_mail", moved), "opened_mail")
    assert not refused(leaks(history, "shoe_size", moved), "shoe_size")


def test_what_the_assignment_changed_is_refused_when_it_predicts_response(
    make: Callable[..., History],
) -> None:
    history = make(20_000)
    moved = 1.4 * history.response + 0.3 * (history.arm >= 0)
    noise = np.random.default_rng(77).normal(size=len(history))
    assert refused(leaks(history, "habit", moved + noise), "habit")


def test_a_column_that_control_cannot_have_is_refused(make: Callable[..., History]) -> None:
    history = make(20_000)
    rng = np.random.default_rng(77)
    cost = np.where(history.arm < 0, 0.0, np.where(history.arm < 3, 0.02, 0.08))
    seconds = pa.array(rng.random(len(history)), mask=history.arm < 0)
    assert refused(leaks(history, "cost", cost), "cost")
    assert refused(leaks(history, "seconds_on_page", seconds), "seconds_on_page")


@pytest.mark.parametrize(
    ("roles", "actions"),
    [
        (Roles(outcome="y", control="no", treatment="opened"), (Arm("yes"),)),
        (Roles(outcome="y", control="not opened", treatment="group"), (Arm("opened"),)),
        (Roles(outcome="y", control="none", treatment="group"), (Arm("E-mail delivered"),)),
        (Roles(outcome="y", control="none", channel="clickedChannel"), (Arm("email"),)),
    ],
)
def test_arms_that_say_what_customers_did_are_refused(
    make: Callable[..., History], roles: Roles, actions: tuple[Arm, ...]
) -> None:
    history = make(channels=("email",), times=(8,))
    (finding,) = check_leakage(replace(history, roles=roles, actions=actions))
    assert finding.verdict == "refuse"
    assert "--treatment" in finding.next


def test_names_of_offers_and_of_earlier_times_are_not_taken_for_consequences() -> None:
    assert not any(map(says_happened, ["Mens E-Mail", "open day", "click & collect", "email 8", "control"]))
    assert all(map(says_happened, ["opened", "email_opened", "NotDelivered", "clicked", "was read"]))
    assert not any(
        map(sounds_after, ["email_open_rate", "visits_90d", "LastPurchase", "visit_before", "age"])
    )
    assert all(map(sounds_after, ["visit", "emailOpened", "clicks", "converted", "unsubscribe"]))


def test_outcomes_dated_before_their_assignment_are_refused_with_rows(clean: History) -> None:
    assigned = np.full(len(clean), np.datetime64("2024-05-10T10:00", "us"))
    outcome = assigned + np.timedelta64(3, "D")
    good = {"assigned_at": pa.array(assigned), "outcome_at": pa.array(outcome)}
    assert check_leakage(replace(clean, extra=good))[0].verdict == "ok"
    outcome[[6, 40]] = np.datetime64("2024-05-09T10:00", "us")
    bad = good | {"outcome_at": pa.array(outcome)}
    (finding,) = check_leakage(replace(clean, extra=bad))
    assert (finding.verdict, finding.measured) == ("refuse", 2.0)
    assert "2 of 6,000" in finding.message
    assert "row 7: 2024-05-09" in finding.message


def test_an_outcome_on_the_day_of_a_later_hour_passes_where_it_has_no_hour(clean: History) -> None:
    n = len(clean)
    assigned = pa.array(np.full(n, np.datetime64("2024-05-10T10:00", "us")))
    same_day = pa.array(np.full(n, np.datetime64("2024-05-10", "D")))
    extra = {"assigned_at": assigned, "outcome_at": same_day}
    assert check_leakage(replace(clean, extra=extra))[0].verdict == "ok"


def test_dates_are_compared_in_one_zone_as_text_and_with_gaps(clean: History) -> None:
    n = len(clean)
    utc = pa.array(["2024-05-10T10:00:00Z"] * n).cast(pa.timestamp("s", "UTC"))
    tokyo = pa.array(["2024-05-10T18:00:00+09:00"] * n).cast(pa.timestamp("s", "Asia/Tokyo"))
    text = pa.array([None, *["2024-05-09"] * (n - 1)])
    early = check_leakage(replace(clean, extra={"assigned_at": utc, "outcome_at": tokyo}))[0]
    gaps = check_leakage(replace(clean, extra={"assigned_at": utc, "outcome_at": text}))[0]
    assert (early.measured, gaps.measured) == (n, n - 1)


@pytest.mark.parametrize("outcome", [["soon"], ["2024-05-10T10:00:00"], [3]])
def test_dates_that_cannot_be_compared_are_warned_about(clean: History, outcome: list[object]) -> None:
    assigned = pa.array(["2024-05-10T10:00:00Z"] * len(clean)).cast(pa.timestamp("s", "UTC"))
    extra = {"assigned_at": assigned, "outcome_at": pa.array(outcome * len(clean))}
    (finding,) = check_leakage(replace(clean, extra=extra))
    assert finding.verdict == "warn"


def test_an_outcome_that_is_never_0_is_recognised_among_the_features(make: Callable[..., History]) -> None:
    history = make(6_000)
    outcome = np.exp(np.random.default_rng(77).normal(size=len(history)))
    history = replace(history, outcome=outcome, response=np.ones(len(history), dtype=bool))
    assert check_leakage(history)[0].verdict == "ok"
    assert refused(leaks(history, "turnover", 3 * outcome), "turnover")
    before = outcome * np.exp(np.random.default_rng(1).normal(size=len(history)))
    assert not refused(leaks(history, "turnover", before), "turnover")


def test_a_name_with_a_space_is_quoted_for_the_shell(make: Callable[..., History]) -> None:
    history = make(6_000)
    (finding,) = leaks(history, "did buy", history.response)
    assert "--exclude 'did buy'" in finding.next


def test_hillstrom_visit_and_conversion_are_refused_and_no_covariate_is(
    hillstrom: Callable[..., History],
) -> None:
    (finding,) = check_leakage(hillstrom())
    assert finding.verdict == "refuse"
    assert finding.next.endswith("--exclude visit --exclude conversion")
    assert refused(check_leakage(hillstrom("conversion")), "visit")
    assert check_leakage(hillstrom("visit", "conversion"))[0].verdict == "ok"


def test_hillstrom_spend_and_conversion_are_refused_as_features_of_a_visit(
    hillstrom: Callable[..., History],
) -> None:
    history = hillstrom()
    visit = np.asarray(history.features["visit"]).astype(float)
    as_visit = replace(
        history, features=history.features.drop_columns(["visit"]), outcome=visit, response=visit > 0
    )
    findings = leaks(as_visit, "spend", history.outcome)
    assert refused(findings, "conversion")
    assert any("'spend'" in finding.message for finding in findings)
