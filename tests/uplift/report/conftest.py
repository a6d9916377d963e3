"""Summaries of plans as `policies.plan` writes them: a personalised one, a uniform one, a refused one."""

from __future__ import annotations

import math

import pytest

Summary = dict[str, object]
LEVEL = 0.9
COSTS = {"email": 0.05, "sms": 0.11, "push": 0.01, "mail": 0.6}


def span(point: float, half: float, decimals: int = 2) -> dict[str, float]:
    return {
        "point": round(point, decimals),
        "lower": round(point - half, decimals),
        "upper": round(point + half, decimals),
    }


def finding(code: str, verdict: str, message: str, **more: object) -> dict[str, object]:
    return {
        "code": code,
        "verdict": verdict,
        "message": message,
        "measured": None,
        "threshold": None,
        "next": "",
        **more,
    }


def curve(budgets: list[float], top: float, scale: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for budget in budgets:
        margin = top * (1 - math.exp(-budget / scale))
        profit, half = margin - budget, 0.15 * margin + 300 * (budget > 0)
        rows.append(
            {
                "budget": budget,
                "incremental_margin": round(margin, 2),
                "profit": round(profit, 2),
                "roi": round(profit / budget, 4) if budget else None,
                "marginal_roi": round(top / scale * math.exp(-budget / scale) - 1, 4),
                "lower": round(profit - half, 2),
                "upper": round(profit + half, 2),
            }
        )
    return rows


def compared(
    policy: str, in_words: str, *, margin: float, half: float, spend: float, contacts: int
) -> dict[str, object]:
    return {
        "policy": policy,
        "in_words": in_words,
        "spend": spend,
        "contacts": contacts,
        "incremental_margin": span(margin, half),
        "profit": span(margin - spend, half),
        "plan_minus_this": span(6420.19 - (margin - spend), 0.8 * half),
    }


def shares() -> list[dict[str, object]]:
    contacts = {"email": (9120, 6240, 5210, 2930), "sms": (2410, 1820, 37, 640), "push": (1904, 412, 260, 0)}
    rows: list[dict[str, object]] = []
    for channel, counts in {**contacts, "mail": (130, 65, 31, 25)}.items():
        for hour, n in zip((8, 12, 18, 21), counts, strict=True):
            margin = round(n * (0.14 + 0.012 * hour - 0.0004 * hour**2), 2)
            row = {
                "channel": channel,
                "send_time": hour,
                "contacts": n,
                "spend": round(n * COSTS[channel], 2),
            }
            rows.append({**row, "incremental_margin": margin})
    for column, total in (("spend", 1999.98), ("incremental_margin", 8420.17)):
        rest = round(total - sum(float(str(row[column])) for row in rows[1:]), 2)
        rows[0][column] = rest
    return rows


def decile(number: int) -> dict[str, object]:
    predicted = 0.62 * math.exp(-0.34 * (number - 1))
    observed = span(predicted * (0.93 + 0.09 * (-1) ** number), 0.09, 4)
    return {
        "decile": number,
        "n": 20000,
        "predicted": round(predicted, 4),
        "observed": observed.pop("point"),
        **observed,
    }


def effects() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for i, channel in enumerate(("email", "sms", "push", "mail")):
        for j, hour in enumerate((8, 12, 18, 21)):
            effect = span(0.31 - 0.07 * i + 0.03 * j - 0.018 * j * j, 0.08 + 0.04 * i, 4)
            rows.append(
                {
                    "channel": channel,
                    "send_time": hour,
                    **effect,
                    "n": 8100 + 13 * i - 7 * j,
                    "buyers": 262 - 9 * i,
                }
            )
    return rows


@pytest.fixture
def personalised() -> Summary:
    """A retail plan over four channels at four send times."""
    return {
        "run": "3f2a9c1b7d40",
        "currency": "USD",
        "budget": 2000.0,
        "spend": 1999.98,
        "contacts": 31234,
        "holdout": 2500,
        "audience": 50000,
        "forecast": {
            "incremental_margin": {**span(8420.17, 2300.44), "level": LEVEL},
            "profit": {**span(6420.19, 2300.44), "level": LEVEL},
            "roi": {**span(3.2101, 1.1502, 4), "level": LEVEL},
            "method": "cross-fitted AIPW",
            "rows": 200000,
            "ess": 5412.3,
            "folds": 5,
        },
        "model_score": {"incremental_margin": 10946.22, "ratio_to_forecast": 1.3},
        "comparison": [
            compared("plan", "this plan", margin=8420.17, half=2300.44, spend=1999.98, contacts=31234),
            compared(
                "response_score",
                "the likeliest buyers first, by the best average action",
                margin=6012.4,
                half=1900.2,
                spend=1999.99,
                contacts=40120,
            ),
            compared(
                "everybody",
                "everybody, until the budget is spent",
                margin=5120.77,
                half=1750.0,
                spend=2000.0,
                contacts=44000,
            ),
            compared(
                "random",
                "customers at random, by the same actions",
                margin=3320.05,
                half=1600.5,
                spend=2000.0,
                contacts=31240,
            ),
            compared("nobody", "no contact at all", margin=0.0, half=0.0, spend=0.0, contacts=0),
        ],
        "optimality": {"value": 6420.19, "upper_bound": 6420.2, "gap": 1.6e-6},
        "prices": [
            {
                "rule": "budget",
                "price": 1.84,
                "binding": True,
                "in_words": "one more dollar of budget returns 1.84 more",
            },
            {
                "rule": "email at 12 capacity",
                "price": 0.1132,
                "binding": True,
                "in_words": "one more e-mail at 12 earns 0.11 more",
            },
            {"rule": "sms capacity", "price": 0.0, "binding": False, "in_words": "sms has room to spare"},
        ],
        "by_action": shares(),
        "frontier": curve([250.0 * i for i in range(25)], 16103.0, 2702.7),
        "deciles": [decile(d) for d in range(1, 11)],
        "calibration": {"slope": 0.97, "lower": 0.71, "upper": 1.22},
        "average_effects": effects(),
        "candidates": [
            {"learner": "offset", "weight": 0.6, "gain": 0.0123, "gain_se": 0.0021},
            {"learner": "pooled x", "weight": 0.3, "gain": 0.0098, "gain_se": 0.0022},
            {"learner": "average effect only", "weight": 0.1, "gain": 0.0061, "gain_se": 0.0018},
            {"learner": "nobody", "weight": 0.0, "gain": 0.0, "gain_se": None},
        ],
        "response_model": {"auc": 0.714, "buyers": 6212, "rate": 0.0311},
        "learner": "60 % offset learner, 30 % pooled X-learner, 10 % average effects",
        "personalised": True,
        "assumptions": {
            "margin": 1.0,
            "holdout": 0.05,
            "level": LEVEL,
            "risk_aversion": 0.0,
            "min_roi": 0.0,
            "probabilities": "known",
            "costs": COSTS,
            "horizon": "that of the history's outcome",
        },
        "reasons": {
            "contacted": 31234,
            "holdout": 2500,
            "budget": 14060,
            "not_worth_it": 1903,
            "capacity": 289,
            "no_consent": 14,
        },
        "findings": [
            finding("G1", "ok", "There is a control with 70,412 rows and there are 16 actions."),
            finding(
                "G2",
                "ok",
                "The arms are as large as they were designed to be.",
                measured=0.42,
                threshold=0.001,
            ),
            finding(
                "G6",
                "warn",
                "The smallest arm, mail at 21, has 62 buyers: its interval is wide.",
                measured=62.0,
                threshold=100.0,
                next="Pool mail over send times, or run it longer.",
            ),
            finding("G13", "ok", "The audience looks like the history.", measured=0.58, threshold=0.7),
        ],
        "overrides": [],
        "refused": None,
    }


@pytest.fixture
def uniform(personalised: Summary) -> Summary:
    """A plan of one column of arms, where the ranking of customers is not proven."""
    arms = ("Mens E-Mail", "Womens E-Mail")
    return {
        **personalised,
        "run": "77aa01c2e9f0",
        "personalised": False,
        "learner": "average effect of each arm, the same for everybody",
        "by_action": [
            {"arm": arm, "contacts": n, "spend": s, "incremental_margin": m}
            for arm, n, s, m in zip(arms, (31234, 0), (1999.98, 0.0), (8420.17, 0.0), strict=True)
        ],
        "average_effects": [
            {"arm": arm, **effect, "n": n, "buyers": buyers}
            for arm, effect, n, buyers in zip(
                arms,
                (span(0.3079, 0.0955, 4), span(0.1698, 0.0857, 4)),
                (21307, 21387),
                (267, 41),
                strict=True,
            )
        ],
        "deciles": [],
        "calibration": {"slope": 0.12, "lower": -0.41, "upper": 0.66},
        "prices": [
            {"rule": "budget", "price": 0.0, "binding": False, "in_words": "more budget returns nothing"}
        ],
        "findings": [
            finding(
                "G10",
                "fallback",
                "The interval of the held-out ranking includes 0.",
                measured=-0.0011,
                threshold=0.0,
                next="Send the best single action, and keep the arms random in a part of the audience.",
            ),
            finding(
                "G2", "overridden", "The arms are not as large as designed.", measured=0.0004, threshold=0.001
            ),
        ],
        "overrides": ["G2"],
    }


@pytest.fixture
def refused(personalised: Summary) -> Summary:
    """A plan that the evidence does not support: nothing is sent."""
    reason = (
        "The forecast's lower bound of profit is -812.40, not above 0: "
        "run a test with 48,200 customers instead"
    )
    gone = {
        "by_action": [],
        "prices": [],
        "frontier": [],
        "deciles": [],
        "reasons": {},
        "calibration": {},
        "optimality": {},
    }
    forecast = {
        **dict(personalised["forecast"]),  # type: ignore[call-overload]
        "incremental_margin": {**span(2310.0, 1122.42), "level": LEVEL},
        "profit": {**span(310.02, 1122.42), "level": LEVEL},
        "roi": {"point": None, "lower": None, "upper": None, "level": LEVEL},
    }
    return {
        **personalised,
        **gone,
        "spend": 0.0,
        "contacts": 0,
        "holdout": 0,
        "forecast": forecast,
        "findings": [
            finding("G8", "refuse", f"{reason}.", measured=-812.4, threshold=0.0, next="Run the test first."),
            *list(personalised["findings"]),  # type: ignore[call-overload]
        ],
        "refused": f"G8: {reason}.",
    }
