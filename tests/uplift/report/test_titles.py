from __future__ import annotations

import pytest

from uplift.report import titles
from uplift.report.summary import read_findings, read_summary

Summary = dict[str, object]


def with_curve(marginals: list[float], profits: list[float]) -> Summary:
    rows = [
        {"budget": 100.0 * i, "profit": profit, "marginal_roi": marginal}
        for i, (marginal, profit) in enumerate(zip(marginals, profits, strict=True))
    ]
    return {"currency": "USD", "frontier": rows}


def test_break_even_is_where_the_next_unit_of_money_stops_earning_itself_back() -> None:
    turning = read_summary(with_curve([3.0, 1.0, 0.1, -0.4, -0.9], [0.0, 200.0, 260.0, 250.0, 180.0]))
    assert titles.break_even(turning.frontier) == 200.0
    flat = read_summary(with_curve([3.0, 1.0, 0.1, 0.0, 0.0], [0.0, 200.0, 260.0, 265.0, 265.0]))
    assert titles.break_even(flat.frontier) == 300.0


def test_a_curve_that_still_rises_has_no_break_even_and_the_title_says_so() -> None:
    rising = read_summary(with_curve([3.0, 1.0], [0.0, 200.0]))
    assert titles.break_even(rising.frontier) is None
    assert titles.frontier_title(rising).startswith("Profit still rises at 100.00 USD")


@pytest.mark.parametrize(
    ("point", "lower", "upper", "said"),
    [
        (100.0, 20.0, 180.0, "The plan earns 100.00 more than going by the response score"),
        (-100.0, -180.0, -20.0, "The plan earns 100.00 less than going by the response score"),
        (10.0, -70.0, 90.0, "The plan is not proven to beat going by the response score"),
    ],
)
def test_the_comparison_claims_no_more_than_its_interval(
    point: float, lower: float, upper: float, said: str
) -> None:
    difference = {"point": point, "lower": lower, "upper": upper}
    rows = [
        {"policy": "plan", "profit": {"point": 300.0}},
        {
            "policy": "nobody",
            "profit": {"point": 0.0},
            "plan_minus_this": {"point": 300.0, "lower": 9.0, "upper": 600.0},
        },
        {"policy": "response_score", "profit": {"point": 200.0}, "plan_minus_this": difference},
    ]
    assert titles.comparison_title(read_summary({"comparison": rows})).startswith(said)


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        ((0.97, 0.7, 1.2), "The predictions hold"),
        ((0.4, 0.2, 0.6), "The predictions promise too much"),
        ((1.6, 1.2, 2.0), "The predictions promise too little"),
        ((0.3, -0.2, 1.2), "The ranking is not proven"),
    ],
)
def test_the_calibration_claims_no_more_than_its_interval(
    slope: tuple[float, float, float], said: str
) -> None:
    calibration = dict(zip(("slope", "lower", "upper"), slope, strict=True))
    assert titles.decile_title(read_summary({"calibration": calibration})).startswith(said)


def test_the_best_action_that_is_named_is_never_one_that_is_hidden() -> None:
    rows = [{"arm": "tiny", "contacts": 3, "incremental_margin": 900.0}] + [
        {"arm": f"arm {n}", "contacts": n, "incremental_margin": 1.0 * n} for n in (60, 500)
    ]
    title = titles.action_title(read_summary({"by_action": rows}))
    assert "tiny" not in title
    assert "arm 500" in title
    assert "900.00" not in title


def test_average_effects_count_only_what_lies_above_zero(personalised: Summary) -> None:
    assert titles.effect_title(read_summary(personalised)).startswith(
        "10 of 16 actions work on average; email at 12"
    )


def test_one_check_and_many_checks_are_counted_in_good_english() -> None:
    bad = {"code": "G2", "verdict": "refuse"}
    good = {"code": "G1", "verdict": "ok"}
    said = [titles.finding_title(read_findings(rows)) for rows in ([good], [bad], [good, good], [good, bad])]
    assert said == [
        "The one check passed",
        "The one check needs attention",
        "All 2 checks passed",
        "1 of 2 checks needs attention",
    ]
