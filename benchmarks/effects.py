"""How much do effects earn? Profit as a share of the oracle's, at the same budget and by the same optimiser.

    python benchmarks/effects.py --rows 40000 --seeds 3

For every world and seed a campaign is simulated whose true effects are known, every way of learning effects scores the
same new customers, `policies.optimize` spends the same budget on each, and the true profit of what it chose is divided
by that of an oracle that knows all true effects (which hidden variables keep out of anybody's reach). Ways:

    default             uplift.estimate as it is
    estimate NAME       uplift.estimate with one candidate beside "nobody": cross-fitted and calibrated
    plain NAME          one fit of one learner on all rows, ours or another's, uncalibrated; where the outcome is
                        mostly zero it learns responses, times the margin of a response
    money NAME          the same on the money itself, as the libraries are commonly used
    same for all        the average effect of every action for everybody; ties are broken by lot
    response score      likeliest buyers first, with the action that is best on average, until the budget is spent

Prints mean ± standard error over campaigns, the lead of the default over each way on the same campaigns (± its standard
error), and CPU seconds of fitting and scoring, one thread for all; imports are not counted. A way that takes longer
than --limit is left out from then on.
"""

from __future__ import annotations

import argparse
import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from honesty import nouns
from threadpoolctl import threadpool_limits

import policies
import uplift
from uplift.encoder import Encoder
from uplift.engines.local import LocalEngine
from uplift.history import Audience, History
from uplift.nuisance import Baseline
from uplift.plugins import load
from uplift.sample import Sample
from uplift.simulator import simulate

Floats = npt.NDArray[np.float64]

OWN = ("average", "t", "x", "two-part-x", "offset")
DEFAULT = "default"
SAME, RESPONSE = "same for all", "response score"
WAYS = (
    DEFAULT,
    *(f"estimate {name}" for name in (*OWN, "causalml-x")),
    SAME,
    RESPONSE,
    "plain two-part-x",
    "plain offset",
    *(f"plain causalml-{name}" for name in ("t", "x", "r", "dr")),
    "money causalml-t",
    "money causalml-x",
    *(f"plain econml-{name}" for name in ("dr", "linear-dr", "forest")),
    "money econml-dr",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One campaign: what may be learned from, and the truth about new customers."""

    history: History
    audience: Audience
    truth: Floats
    costs: Floats
    seed: int

    @classmethod
    def of(cls, world: str, seed: int, options: argparse.Namespace) -> Case:
        campaign = simulate(
            world,
            rows=options.rows,
            audience=options.audience,
            channels=options.channels,
            send_times=options.times,
            seed=seed,
        )
        history, audience = nouns(campaign)
        truth = np.column_stack([campaign.truth[arm.label].to_numpy() for arm in history.actions])
        costs = np.array([campaign.costs[arm.channel] for arm in history.actions])
        return cls(history, audience, truth, costs, seed)

    def earned(self, action: npt.NDArray[np.int32]) -> float:
        """Return the true profit of giving each customer an action, −1 for none."""
        sent = np.flatnonzero(action >= 0)
        return float((self.truth[sent, action[sent]] - self.costs[action[sent]]).sum())


# From a budget to each customer's action.
Policy = Callable[[float], npt.NDArray[np.int32]]


def best(case: Case, values: Floats) -> Policy:
    """Return the policy that earns most if the values are right."""
    return lambda budget: policies.optimize(values, case.costs, budget=budget, seed=case.seed).action


def estimated(case: Case, names: list[str] | None) -> uplift.Effects:
    return uplift.estimate(case.history, seed=case.seed, learners=names, engine=LocalEngine(threads=1))


def by_estimate(case: Case, names: list[str] | None) -> Policy:
    return best(case, estimated(case, names).score(case.audience).astype(np.float64))


def by_one_fit(case: Case, name: str, *, money: bool) -> Policy:
    """Fit one learner once on all rows."""
    encoder = Encoder.fit(case.history.features)
    sample = Sample.of(case.history, encoder)
    if money:
        sample = replace(sample, two_part=False)
    learner = load("uplift.learners", name)().fit(sample, Baseline.fit(sample))
    return best(case, learner.predict(encoder.transform(case.audience.table)))


def same_for_all(case: Case) -> Policy:
    uniform = estimated(case, ["average"]).uniform.mean(axis=0)
    return best(case, np.tile(uniform, (len(case.audience), 1)))


def response_score(case: Case) -> Policy:
    effects = estimated(case, ["average"])
    action = int((effects.uniform.mean(axis=0) - case.costs).argmax())
    likeliest = np.argsort(-effects.score_all(case.audience).response_score, kind="stable")

    def policy(budget: float) -> npt.NDArray[np.int32]:
        given = np.full(len(case.audience), -1, np.int32)
        given[likeliest[: int(budget / case.costs[action])]] = action
        return given

    return policy


def learn(case: Case, way: str) -> Policy:
    """Return the policy of a way of learning effects."""
    kind, _, name = way.partition(" ")
    if way == SAME:
        return same_for_all(case)
    if way == RESPONSE:
        return response_score(case)
    if kind in ("plain", "money"):
        return by_one_fit(case, name, money=kind == "money")
    return by_estimate(case, [name] if name else None)


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError once a block has taken that much CPU time."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@dataclass(slots=True)
class Tally:
    """What one way has earned: a row of shares, one a budget, for every campaign, and CPU seconds."""

    shares: list[list[float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def run(
    case: Case, way: str, budgets: list[float], oracle: list[float], seconds: float
) -> tuple[list[float], float]:
    """Return a way's share of the oracle's profit at each budget, and the CPU seconds it took to learn and score."""
    start = time.process_time()
    with limit(seconds):
        policy = learn(case, way)
    took = time.process_time() - start
    return [case.earned(policy(budget)) / most for budget, most in zip(budgets, oracle, strict=True)], took


def plus_minus(values: Floats) -> str:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():6.3f} ± {error:.3f}"


def report(title: str, tallies: dict[str, Tally], budgets: list[float]) -> None:
    """Print one table: a line a way."""
    head = "".join(f" | share at {budget:<8g} default's lead" for budget in budgets)
    print(f"\n{title}\n{'way':26s}{head} | CPU s")
    lead = np.array(tallies[DEFAULT].shares)
    for way, tally in tallies.items():
        shares = np.array(tally.shares)
        if len(shares) < len(lead):
            print(f"{way:26s} | over the time limit")
            continue
        cells = [
            f" | {plus_minus(s)} {plus_minus(d)}" for s, d in zip(shares.T, (lead - shares).T, strict=True)
        ]
        print(f"{way:26s}{''.join(cells)} | {np.mean(tally.seconds):6.1f}", flush=True)


def play(world: str, options: argparse.Namespace, late: set[str]) -> dict[str, Tally]:
    """Run all ways on all campaigns of a world."""
    tallies = {way: Tally() for way in options.ways}
    for seed in range(options.first, options.first + options.seeds):
        case = Case.of(world, seed, options)
        oracle = [
            policies.optimize(case.truth, case.costs, budget=budget).value for budget in options.budgets
        ]
        for way in options.ways:
            if way in late:
                continue
            try:
                shares, took = run(case, way, options.budgets, oracle, options.limit)
            except TimeoutError:
                late.add(way)
                continue
            tallies[way].shares.append(shares)
            tallies[way].seconds.append(took)
    return tallies


def quiet() -> None:
    """Import what is slow to import and compile what gets compiled, so that nobody's seconds hold it."""
    # The libraries and what they import warn of their own future; that says nothing of the figures.
    warnings.simplefilter("ignore")
    logging.getLogger("causalml").setLevel(logging.ERROR)
    import causalml.inference.meta  # noqa: F401
    import econml.dml
    import econml.dr  # noqa: F401

    small = argparse.Namespace(rows=2000, audience=100, channels=["email"], times=[8, 18])
    case = Case.of("rich", 0, small)
    for way in (DEFAULT, "plain causalml-x", "plain econml-forest"):
        learn(case, way)(10.0)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=["rich", "steps", "costly", "average"])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--audience", type=int, default=10_000)
    parser.add_argument("--channels", nargs="+", default=["email", "mail"])
    parser.add_argument("--times", nargs="+", type=int, default=[8, 18])
    parser.add_argument("--budgets", nargs="+", type=float, default=[200.0, 1000.0])
    parser.add_argument(
        "--ways", nargs="+", default=list(WAYS), help="default comes first, and is always run"
    )
    parser.add_argument("--limit", type=float, default=120.0, help="CPU seconds that a way may take")
    options = parser.parse_args()
    options.ways = [DEFAULT, *(way for way in options.ways if way != DEFAULT)]
    quiet()
    late: set[str] = set()
    total = {way: Tally() for way in options.ways}
    with threadpool_limits(limits=1):
        for world in options.worlds:
            tallies = play(world, options, late)
            report(f"{world}: {options.seeds} campaigns of {options.rows:,} rows", tallies, options.budgets)
            for way, tally in tallies.items():
                total[way].shares += tally.shares
                total[way].seconds += tally.seconds
    report("all worlds", total, options.budgets)


if __name__ == "__main__":
    main()
