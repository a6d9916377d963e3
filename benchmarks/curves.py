"""Qini with its standard error on a million customers, against causalml's, which has none.

    python benchmarks/curves.py [--rows 1000000] [--repeats 5] [--without-causalml]

Prints the best CPU time of the repeats; one thread. The figures differ because the definitions do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import uplift


def best_of(repeats: int, function: Callable[[], object]) -> tuple[float, object]:
    """Return the shortest CPU time in seconds, and what the function returned."""
    shortest, result = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        shortest = min(shortest, time.process_time() - start)
    return shortest, result


def campaign(rows: int) -> pd.DataFrame:
    """Return a randomised campaign whose score ranks its effects, with some noise."""
    rng = np.random.default_rng(0)
    effect = rng.gamma(2.0, 0.01, rows)
    treated = rng.random(rows) < 0.5
    outcome = (rng.random(rows) < 0.05 + treated * effect).astype(float)
    score = effect + rng.normal(0, 0.01, rows)
    return pd.DataFrame({"score": score, "treated": treated.astype(int), "outcome": outcome})


def main() -> None:
    """Time every curve once, then causalml's on the same rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without-causalml", action="store_true")
    options = parser.parse_args()
    frame = campaign(options.rows)
    sample = frame["score"], frame["treated"], frame["outcome"]
    runs: dict[str, Callable[[], object]] = {
        "uplift.qini": lambda: uplift.qini(*sample),
        "uplift.auuc": lambda: uplift.auuc(*sample),
        "uplift.autoc": lambda: uplift.autoc(*sample, 0.5),
    }
    if not options.without_causalml:
        from causalml.metrics import qini_score

        runs["causalml qini_score"] = lambda: qini_score(
            frame, outcome_col="outcome", treatment_col="treated"
        ).to_dict()
    for name, function in runs.items():
        seconds, result = best_of(options.repeats, function)
        print(f"{name:<20} {options.rows:>10,} rows {seconds:8.3f} CPU-s   {result}")


if __name__ == "__main__":
    main()
