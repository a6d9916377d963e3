from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cli.explanation import NOTHING, Offer, Toll, explain, flip, limited
from uplift.errors import DataError, SettingError
from uplift.tables.manifest import write_manifest

Run = Callable[..., Result]

COSTS = {"email": 0.02, "sms": 0.10}
PRICES = [
    {"rule": "budget", "price": 2.0, "binding": True, "in_words": "…"},
    {"rule": "sms 12 capacity", "price": 0.05, "binding": True, "in_words": "…"},
]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan of four customers, small enough to reckon by hand."""
    rows = {
        "customer_id": ["a", "b", "007", "c"],
        "channel": ["sms", "none", "none", "email"],
        "send_time": [12, None, None, 8],
        "cost": [0.10, 0.0, 0.0, 0.02],
        "uplift": [0.50, 0.0, 0.0, 0.20],
        "uplift_se": [0.1, 0.0, 0.0, 0.1],
        "reason": ["contacted", "budget", "holdout", "contacted"],
        "probability": [0.95, 0.95, 0.05, 0.95],
    }
    values = {
        "customer_id": rows["customer_id"],
        "email 8": [0.10, 0.05, 0.4, 0.20],
        "sms 12": [0.50, 0.25, None, float("nan")],
    }
    pq.write_table(pa.table(rows), tmp_path / "plan.parquet")
    pq.write_table(pa.table(values), tmp_path / "values.parquet")
    summary = {"currency": "USD", "prices": PRICES, "assumptions": {"costs": COSTS}, "refused": None}
    return told(tmp_path, summary)


def told(folder: Path, summary: Mapping[str, object]) -> Path:
    """Write a plan's summary, and the manifest of its folder."""
    (folder / "summary.json").write_text(json.dumps(summary))
    write_manifest(folder, inputs={}, settings={}, seed=0)
    return folder


def test_the_choice_the_runner_up_and_the_binding_rule_are_those_of_the_prices(plan: Path) -> None:
    found = explain(plan, "a")
    # sms 12: .50 − .10 − 2 × .10 − .05 = .15; email 8: .10 − .02 − 2 × .02 = .04.
    assert (found.chosen.action, found.runner_up.action) == ("sms 12", "email 8")
    assert found.chosen.score == pytest.approx(0.15)
    assert found.runner_up.score == pytest.approx(0.04)
    assert found.binding is not None
    assert found.binding.rule == "budget"
    assert found.binding.amount == pytest.approx(0.20)


def test_the_choice_flips_at_the_price_where_both_leave_the_same(plan: Path) -> None:
    found = explain(plan, "a")
    # .50 − .10 − .05 − λ .10 = .10 − .02 − λ .02 at λ = .27 / .08.
    assert found.flips_to == "email 8"
    assert found.price_to_flip == pytest.approx(0.27 / 0.08)


def test_who_got_nothing_for_want_of_budget_is_told_the_price_at_which_he_would_get_something(
    plan: Path,
) -> None:
    found = explain(plan, "b")
    assert found.chosen.action == NOTHING
    assert found.flips_to == "email 8"
    assert found.price_to_flip == pytest.approx(0.03 / 0.02)
    # Without rules it would be sms 12 (.15 is left, .03 of email 8), whose heaviest toll is the budget's.
    assert found.binding is not None
    assert found.binding.rule == "budget"


def test_costs_that_differ_between_customers_are_those_of_the_plans_own_file(plan: Path) -> None:
    summary = json.loads((plan / "summary.json").read_text())
    summary["assumptions"]["costs"]["email"] = "column postage"
    told(plan, summary)
    assert [offer.action for offer in explain(plan, "b").offers] == [NOTHING, "sms 12"]
    costs = {"customer_id": ["b"], "email 8": [0.01], "sms 12": [0.10]}
    pq.write_table(pa.table(costs), plan / "costs.parquet")
    told(plan, summary)
    assert {offer.action: offer.cost for offer in explain(plan, "b").offers} == {
        "email 8": 0.01,
        NOTHING: 0.0,
        "sms 12": 0.10,
    }


def test_where_lots_were_drawn_it_says_so_and_names_no_price(plan: Path) -> None:
    summary = json.loads((plan / "summary.json").read_text())
    told(plan, {**summary, "personalised": False, "prices": []})
    found = explain(plan, "b")
    assert "drawn by lot" in found.notes[0]
    assert (found.chosen.action, found.runner_up.action) == (NOTHING, "sms 12")
    assert found.price_to_flip is None


def test_a_rule_is_recognised_by_its_name_and_one_that_is_not_is_owned_up_to(plan: Path) -> None:
    assert limited("paper mail minimum spend") == ("cost", "paper mail")
    assert limited("segment tier = 'x capacity'") == (None, None)
    summary = json.loads((plan / "summary.json").read_text())
    summary["prices"].append({"rule": "segment tier = 'gold'", "price": 0.3, "binding": True})
    told(plan, summary)
    assert explain(plan, "a").notes == (
        "Not in these numbers: what the prices of segment tier = 'gold' charge.",
    )


def test_a_value_that_is_missing_was_never_on_offer(plan: Path) -> None:
    assert [offer.action for offer in explain(plan, "007").offers] == ["email 8", NOTHING]
    assert [offer.action for offer in explain(plan, "c").offers] == ["email 8", NOTHING]


def test_it_prints_words_for_people_and_one_object_for_programs(run: Run, plan: Path) -> None:
    words = run("explain", plan, "a")
    assert words.exit_code == 0
    assert words.stdout.startswith("a: sms 12 (contacted).\n")
    assert "Runner-up: email 8, 0.1100 USD behind." in words.stdout
    assert "Binding rule: budget, which charges 0.2000 USD." in words.stdout
    assert "Flips to email 8 when the next unit of budget earns 3.3750." in words.stdout
    assert words.stderr.startswith("Next: ")
    found = json.loads(run("explain", plan, "a", "--json").stdout)
    assert (found["chosen"], found["runner_up"]["action"]) == ("sms 12", "email 8")
    assert [offer["action"] for offer in found["offers"]] == ["sms 12", "email 8", NOTHING]


def test_who_was_held_out_is_told_what_he_would_have_got(run: Run, plan: Path) -> None:
    words = run("explain", plan, "007").stdout
    assert "no contact (held out at random" in words
    assert "But for that: email 8, which would leave 0.3400 USD more." in words


def test_an_unknown_customer_is_one_line(run: Run, plan: Path) -> None:
    result = run("explain", plan, "7")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The plan has no customer '7'. Ids are text and must be exactly as in the audience.\n"
    )
    with pytest.raises(DataError):
        explain(plan, "A")


def test_a_folder_that_is_no_plan_or_a_refused_one_is_one_line(run: Run, plan: Path, tmp_path: Path) -> None:
    for name in ("nowhere", "n" * 400):
        assert "is not a plan" in run("explain", tmp_path / name, "a").stderr
    told(plan, {"refused": "G8: no profit.", "currency": "USD"})
    with pytest.raises(SettingError, match="G8: no profit"):
        explain(plan, "a")


@pytest.mark.parametrize("name", ["plan.parquet", "values.parquet", "summary.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_a_damaged_plan_is_refused_and_the_file_named(run: Run, plan: Path, name: str, damage: str) -> None:
    path = plan / name
    content = path.read_bytes()
    path.write_bytes(content[:-20] if damage == "cut" else content + b" ")
    if damage == "gone":
        path.unlink()
    result = run("explain", plan, "a")
    assert result.exit_code == 3
    assert result.stderr.startswith(f"Refused: G16: {name} ")
    assert result.stderr.count("\n") == 1


def test_a_damaged_manifest_and_a_file_that_was_slipped_in_are_one_line(run: Run, plan: Path) -> None:
    pq.write_table(pa.table({"customer_id": ["a"], "email 8": [0.0]}), plan / "costs.parquet")
    assert run("explain", plan, "a").stderr.startswith("Refused: G16: costs.parquet is not in the manifest.")
    (plan / "manifest.json").write_bytes(b"{")
    result = run("explain", plan, "a")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "manifest.json cannot be read" in result.stderr


cents = st.integers(0, 500).map(lambda n: n / 100)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(cents, cents), min_size=2, max_size=6), cents)
def test_just_before_the_price_of_the_flip_the_choice_stands_and_just_after_it_falls(
    pairs: Sequence[tuple[float, float]], now: float
) -> None:
    offers = [
        Offer(f"a{i}", value, cost, (Toll("budget", now * cost),)) for i, (value, cost) in enumerate(pairs)
    ]
    chosen = max(offers, key=lambda offer: offer.score)
    others = [offer for offer in offers if offer is not chosen]
    assume(all(chosen.score - other.score > 1e-6 for other in others))
    price, action = flip(chosen, offers, now)

    def left(offer: Offer, at: float) -> float:
        return offer.value - offer.cost - at * offer.cost

    if price is None:
        for at in (0.0, now, 1e6):
            assert all(left(chosen, at) >= left(other, at) - 1e-6 for other in others)
        return
    before, after = price + (now - price) * 1e-3, price - (now - price) * 1e-3
    assert all(left(chosen, before) >= left(other, before) - 1e-9 for other in others)
    winner = next(offer for offer in offers if offer.action == action)
    assert left(winner, after) >= left(chosen, after) - 1e-9
