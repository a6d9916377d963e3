"""Do forecasts come true? Coverage, bias and share of the oracle's profit over simulated campaigns.

    python benchmarks/honesty.py --worlds rich average null --seeds 100 --rows 20000

For every seed a campaign is simulated whose true effects are known, a plan is made without refusing (so that every
forecast counts), and the forecast is held against the true total over the customers contacted. Prints one line a
world: coverage with its standard error, Σ forecast ÷ Σ truth, how often a gate would have refused, and the plan's
true profit as a share of what an oracle would earn that knows every true effect.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

import policies
import uplift
from uplift.history import Audience, History, Roles, shared_features
from uplift.simulator import Campaign, simulate


@dataclass(frozen=True, slots=True)
class Run:
    """One campaign: what was promised, what is true."""

    truth: float
    point: float
    lower: float
    upper: float
    profit: float
    oracle: float
    refused: bool
    personalised: bool
    seconds: float


def nouns(campaign: Campaign) -> tuple[History, Audience]:
    """Return the campaign's tables with their roles."""
    roles = Roles(
        outcome="margin",
        control="none",
        channel="channel",
        send_time="send_hour",
        customer="customer_id",
        probability="assignment_probability",
        response="converted",
        exclude=("cost",),
    )
    history = History.from_table(campaign.history, roles)
    audience = Audience.from_table(campaign.audience, customer="customer_id")
    return history.with_features(shared_features(history, audience)), audience


def run(world: str, seed: int, rows: int, channels: list[str], times: list[int], budget: float) -> Run:
    """Simulate, plan and judge one campaign."""
    start = time.perf_counter()
    campaign = simulate(world, rows=rows, audience=10_000, channels=channels, send_times=times, seed=seed)
    history, audience = nouns(campaign)
    effects = uplift.estimate(history, seed=seed)
    plan = policies.plan(
        effects,
        audience,
        [policies.Action(name, cost=cost) for name, cost in campaign.costs.items()],
        budget=budget,
        seed=seed,
        overrides=frozenset({"G7", "G8", "G13"}),
    )
    labels = [arm.label for arm in effects.actions]
    truth = np.column_stack([campaign.truth[label].to_numpy() for label in labels])
    costs = np.array([campaign.costs[arm.channel] for arm in effects.actions])
    frame = plan.to_pandas()
    sent = np.flatnonzero(frame["reason"] == "contacted")
    given = [labels.index(f"{frame['channel'][i]} {int(frame['send_time'][i])}") for i in sent]
    earned = float(truth[sent, given].sum()) if len(sent) else 0.0
    oracle = policies.optimize(truth, costs, budget=budget).value
    margin = plan.forecast["incremental_margin"]
    return Run(
        truth=earned,
        point=margin["point"],
        lower=margin["lower"],
        upper=margin["upper"],
        profit=earned - plan.summary["spend"],
        oracle=oracle,
        refused=any(f["verdict"] == "overridden" for f in plan.summary["findings"]),
        personalised=plan.summary["personalised"],
        seconds=time.perf_counter() - start,
    )


def report(world: str, runs: list[Run]) -> str:
    """Return one line for a world; campaigns in which nobody is contacted claim nothing and are counted apart."""
    claims = [r for r in runs if r.point or r.truth]
    inside = np.array([r.lower <= r.truth <= r.upper for r in claims]) if claims else np.ones(1)
    ratio = sum(r.point for r in claims) / max(sum(r.truth for r in claims), 1e-9)
    oracle = sum(r.oracle for r in runs)
    share = np.array([r.profit / r.oracle for r in runs if r.oracle > 0])
    return (
        f"{world:14s} campaigns {len(runs):3d}  claims {len(claims):3d}  "
        f"coverage {inside.mean():.3f} ± {np.sqrt(inside.mean() * (1 - inside.mean()) / len(inside)):.3f}  "
        f"forecast/truth {ratio:6.3f}  refused {np.mean([r.refused for r in runs]):.2f}  "
        f"personalised {np.mean([r.personalised for r in runs]):.2f}  "
        + (
            f"share of oracle {share.mean():.3f} ± {share.std() / np.sqrt(len(share)):.3f}"
            if oracle > 0
            else ""
        )
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=["rich", "average", "null"])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--channels", nargs="+", default=["email", "mail"])
    parser.add_argument("--times", nargs="+", type=int, default=[8, 18])
    parser.add_argument("--budget", type=float, default=600.0)
    options = parser.parse_args()
    for world in options.worlds:
        runs = [
            run(world, seed, options.rows, options.channels, options.times, options.budget)
            for seed in range(options.first, options.first + options.seeds)
        ]
        print(report(world, runs), f" {np.mean([r.seconds for r in runs]):.1f} s each", flush=True)


if __name__ == "__main__":
    main()
