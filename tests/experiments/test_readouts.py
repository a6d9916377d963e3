from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.readouts import readout
from uplift.errors import DataError, SettingError

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
REFERENCE = json.loads((ROOT / "tests" / "reference" / "experiments.json").read_text())


def real(name: str, header: int | None = 0) -> pd.DataFrame:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository, in shared/data")
    return pd.read_csv(path, header=header)


@pytest.fixture(scope="module")
def hillstrom() -> pd.DataFrame:
    return real("hillstrom/hillstrom.csv")


def campaign(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.choice(["none", "email", "sms"], rows)
    past = rng.gamma(2.0, 5.0, rows)
    spend = 0.3 * past + (arm == "email") * 1.0 + rng.normal(size=rows) + 3
    tier = rng.choice(["gold", "basic"], rows)
    home = np.arange(rows) // 2
    return pd.DataFrame({"arm": arm, "past": past, "tier": tier, "home": home, "spend": spend})


@pytest.mark.parametrize(
    "row", REFERENCE["hillstrom"]["rows"], ids=lambda row: f"{row['arm']} {row['outcome']}"
)
def test_hillstroms_effects_are_reproduced(hillstrom: pd.DataFrame, row: dict[str, Any]) -> None:
    found = readout(hillstrom, arm="segment", control="No E-Mail", outcome=row["outcome"])[row["arm"]]
    assert (found.point, found.se) == pytest.approx((row["point"], row["se"]), rel=1e-6)
    assert found.df == pytest.approx(row["df"], abs=0.006)
    assert [found.lower, found.upper] == pytest.approx(row["interval"], abs=6e-8)
    adjusted = readout(
        hillstrom,
        arm="segment",
        control="No E-Mail",
        outcome=row["outcome"],
        covariates=REFERENCE["hillstrom"]["covariates"],
    )[row["arm"]]
    assert [adjusted.point, adjusted.se] == pytest.approx(row["adjusted"], rel=1e-6)
    assert (adjusted.unadjusted.point, adjusted.unadjusted.se) == pytest.approx((found.point, found.se))


def test_hillstroms_pooled_and_relative_effects_are_reproduced(hillstrom: pd.DataFrame) -> None:
    expected = REFERENCE["hillstrom"]
    for outcome, value in expected["any"].items():
        found = readout(hillstrom, arm="segment", control="No E-Mail", outcome=outcome)
        assert found.point == pytest.approx(value, abs=6e-9 if outcome == "visit" else 1e-8)
        assert found.n == 64_000
        means = sum(arm.share * arm.mean.point for arm in found.arms)
        assert means == pytest.approx(expected["means"][outcome], rel=1e-7)
    visits = readout(hillstrom, arm="segment", control="No E-Mail", outcome="visit")
    for arm, lift in expected["lift"].items():
        assert visits[arm].lift is not None
        assert visits[arm].lift.point == pytest.approx(lift, abs=6e-5)
    spend = readout(hillstrom, arm="segment", control="Womens E-Mail", outcome="spend")["Mens E-Mail"]
    published = expected["mens_against_womens_spend"]
    assert (spend.point, spend.p) == pytest.approx((published["point"], published["p"]), rel=1e-6)


@pytest.mark.parametrize("arm", ["Mens E-Mail", "Womens E-Mail"])
def test_hillstroms_effects_by_past_purchase_are_reproduced(hillstrom: pd.DataFrame, arm: str) -> None:
    groups = {
        "womens": hillstrom[(hillstrom["womens"] == 1) & (hillstrom["mens"] == 0)],
        "mens": hillstrom[(hillstrom["womens"] == 0) & (hillstrom["mens"] == 1)],
        "both": hillstrom[(hillstrom["womens"] == 1) & (hillstrom["mens"] == 1)],
    }
    for name, rows in groups.items():
        found = readout(rows, arm="segment", control="No E-Mail", outcome="visit")[arm]
        assert found.point == pytest.approx(REFERENCE["hillstrom"]["by_past_purchase"][arm][name], abs=6e-7)


def test_lalondes_effect_is_reproduced() -> None:
    frame, expected = real("lalonde/nsw_mixtape.csv"), REFERENCE["lalonde"]
    found = readout(frame, arm="treat", control=0, outcome="re78")
    assert (found.point, found.se) == pytest.approx((expected["point"], expected["se"]), rel=1e-6)
    assert [found.lower, found.upper] == pytest.approx(expected["interval"], abs=0.006)
    assert [arm.mean.point for arm in found.arms] == pytest.approx(expected["means"], abs=0.006)


def test_ihdps_naive_difference_is_reproduced() -> None:
    frame = real("ihdp/ihdp_npci_1.csv", header=None).rename(columns={0: "treatment", 1: "outcome"})
    found = readout(frame, arm="treatment", control=0, outcome="outcome")
    assert found.point == pytest.approx(REFERENCE["ihdp"]["point"], abs=6e-6)


def test_cookie_cats_retention_is_read_out_from_its_rows() -> None:
    frame, expected = real("cookie_cats/cookie_cats.csv"), REFERENCE["cookie_cats"]["retention_7"]
    found = readout(frame, arm="version", control="gate_30", outcome="retention_7")["gate_40"]
    assert found.shares is not None
    assert found.shares.p == pytest.approx(expected["p"], rel=1e-5)
    assert found.shares.point == pytest.approx(found.point)


@given(st.permutations(range(60)))
@settings(derandomize=True, deadline=None, max_examples=20)
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    frame = campaign(60)
    one = readout(
        frame, arm="arm", control="none", outcome="spend", covariates=["past", "tier"], cluster="home"
    )
    two = readout(
        frame.iloc[order],
        arm="arm",
        control="none",
        outcome="spend",
        covariates=["past", "tier"],
        cluster="home",
    )
    pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas(), rtol=1e-9)


def test_the_same_rows_give_the_same_bytes() -> None:
    options: dict[str, Any] = {
        "arm": "arm",
        "control": "none",
        "outcome": "spend",
        "covariates": ["past", "tier"],
    }
    assert readout(campaign(), **options) == readout(campaign(), **options)


def test_every_kind_of_table_gives_the_same_readout() -> None:
    frame = campaign()
    options: dict[str, Any] = {
        "arm": "arm",
        "control": "none",
        "outcome": "spend",
        "covariates": ["past", "tier"],
    }
    expected = readout(frame, **options)
    assert readout(pa.Table.from_pandas(frame), **options) == expected
    assert readout({name: frame[name].to_numpy() for name in frame}, **options) == expected
    assert readout(frame.astype({"arm": "category", "tier": "category"}), **options) == expected


def test_an_offset_of_a_billion_changes_no_error_and_no_effect() -> None:
    frame = campaign(2000)
    plain = readout(frame, arm="arm", control="none", outcome="spend", covariates=["past"])
    frame[["spend", "past"]] += 1e9
    moved = readout(frame, arm="arm", control="none", outcome="spend", covariates=["past"])
    assert moved.point == pytest.approx(plain.point, abs=1e-6)
    assert moved.se == pytest.approx(plain.se, rel=1e-6)


def test_one_comparison_is_the_overall_result() -> None:
    frame = campaign()
    found = readout(frame[frame["arm"] != "sms"], arm="arm", control="none", outcome="spend", level=0.9)
    only = found["email"]
    assert found.overall is only
    mine = (found.point, found.se, found.lower, found.upper, found.level, found.p, found.n)
    assert mine == (only.point, only.se, only.lower, only.upper, 0.9, only.p, only.n)
    assert only.p_holm == only.p_bh == only.p


def test_several_arms_share_the_risk_of_a_false_finding() -> None:
    found = readout(campaign(), arm="arm", control="none", outcome="spend")
    p = sorted(comparison.p for comparison in found.comparisons)
    assert sorted(comparison.p_holm for comparison in found.comparisons) == pytest.approx(
        [2 * p[0], max(2 * p[0], p[1])]
    )
    assert found["email"].p_bh <= found["email"].p_holm
    assert found.to_pandas()["arm"].tolist() == ["email", "sms", "any arm"]


def test_a_binary_outcome_gets_wilson_and_newcombe_intervals() -> None:
    frame = campaign()
    frame["bought"] = frame["spend"] > 9
    found = readout(frame, arm="arm", control="none", outcome="bought")
    assert found["email"].shares is not None
    assert found["email"].shares.point == pytest.approx(found["email"].point)
    assert all(0 <= arm.mean.lower <= arm.mean.point <= arm.mean.upper <= 1 for arm in found.arms)
    clustered = readout(frame, arm="arm", control="none", outcome="bought", cluster="home")
    assert clustered["email"].shares is None


def test_missing_dates_and_categories_can_be_adjusted_for() -> None:
    frame = campaign()
    frame.loc[::7, "past"] = np.nan
    frame.loc[::5, "tier"] = None
    frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(400) % 97, unit="D")
    found = readout(
        frame, arm="arm", control="none", outcome="spend", covariates=["past", "tier", "since", "past"]
    )["email"]
    assert found.adjusted_for == ("past", "past missing", "tier=missing", "tier=gold", "since")
    assert found.point == pytest.approx(1.0, abs=4 * found.se)
    assert found.se < found.unadjusted.se


def test_decimals_and_nullable_numbers_are_numbers() -> None:
    frame = campaign()
    frame["cents"] = frame["spend"].round(2)
    expected = readout(frame, arm="arm", control="none", outcome="cents")
    money = frame.assign(cents=[decimal.Decimal(str(value)) for value in frame["cents"]])
    assert readout(money, arm="arm", control="none", outcome="cents") == expected
    nullable = frame.assign(cents=frame["cents"].astype("Float64"))
    assert readout(nullable, arm="arm", control="none", outcome="cents") == expected


def test_few_buyers_are_a_finding() -> None:
    frame = campaign(300)
    frame["spend"] = np.where(frame.index < 60, frame["spend"], 0.0)
    found = readout(frame, arm="arm", control="none", outcome="spend").findings[0]
    least = int((frame["spend"] > 0).groupby(frame["arm"]).sum().min())
    assert (found.code, found.verdict, found.measured) == ("G6", "refuse", least)


def test_households_split_between_arms_are_a_finding() -> None:
    frame = campaign()
    split = readout(frame, arm="arm", control="none", outcome="spend", cluster="home").findings
    apart = int((frame.groupby("home")["arm"].nunique() > 1).sum())
    assert [(f.code, f.verdict, f.measured) for f in split] == [("G14", "refuse", apart / 200)]
    frame["arm"] = frame.groupby("home")["arm"].transform("first")
    whole = readout(frame, arm="arm", control="none", outcome="spend", cluster="home").findings
    assert [(f.code, f.verdict) for f in whole] == [("G14", "ok")]


def test_a_readout_prints_sentences() -> None:
    frame = pd.DataFrame({"arm": ["a", "b"] * 4, "spend": [1.0, 4.0, 2.0, 5.0, 1.5, 6.0, 2.5, 5.0]})
    assert str(readout(frame, arm="arm", control="a", outcome="spend")) == (
        "b against a: spend per row changed by 3.25, with 95% confidence between 1.96 and 4.54 "
        "(p < 0.001, 8 rows), +185.7 % of control."
    )


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"outcome": "spent"}, DataError, "Did you mean 'spend'"),
        ({}, {"control": "None"}, DataError, "Did you mean 'none'"),
        ({}, {"covariates": ["pasts"]}, DataError, "named as a covariate. Did you mean 'past'"),
        ({}, {"level": 95}, SettingError, "such as 0.95"),
        ({}, {"outcome": "tier"}, DataError, "numbers are needed"),
        ({}, {"covariates": ["name"]}, DataError, "400 different values"),
        ({"spend": np.nan}, {}, DataError, r"missing or infinite in 400 rows \(the first is row 0\)"),
        ({"arm": None}, {}, DataError, "missing in 400 rows"),
        ({"arm": "none"}, {}, DataError, "at least one other arm"),
        ({"arm": ["none"] * 399 + ["email"]}, {}, DataError, "'email' has 1 rows"),
        ({"home": [0] * 399 + [1]}, {"cluster": "home"}, DataError, "clusters; at least 2"),
        ({"past": np.inf}, {"covariates": ["past"]}, DataError, "infinite in 400 rows"),
    ],
)
def test_what_cannot_be_read_out_is_refused_in_words(
    change: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    frame = campaign().assign(name=[f"n{i}" for i in range(400)], **change)
    given_: dict[str, Any] = {"arm": "arm", "control": "none", "outcome": "spend", **options}
    with pytest.raises(error, match=message):
        readout(frame, **given_)


def test_an_unknown_arm_is_refused_with_the_known_ones() -> None:
    found = readout(campaign(), arm="arm", control="none", outcome="spend")
    with pytest.raises(DataError, match="Did you mean 'email'"):
        found["emial"]


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="Found a date; a pandas DataFrame"):
        readout(dt.date(2024, 1, 1), arm="arm", control="none", outcome="spend")
