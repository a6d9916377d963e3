"""Score every customer under every action: our bit-mask forest against LightGBM's own predictor on the same trees.

    python benchmarks/scoring.py

One thread each, one run, the same 100 trees of 31 leaves. LightGBM scores a table with one row for every customer and
action; the forest combines a customer's features once for all actions. Prints seconds, rows a second, the ratio and
the largest difference.
"""

from __future__ import annotations

import argparse
import time

import lightgbm
import numpy as np

from uplift.boosting import FIXED
from uplift.forest import Forest


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    n, d = options.customers, 16
    codes = np.asfortranarray(rng.integers(0, 64, (n, d)).astype(np.uint8))
    codes[:, 3] = rng.integers(0, 9, n)
    design = np.array([[c, t] for c in range(4) for t in range(4)], np.uint8)
    given = rng.integers(0, len(design), n)
    rows = np.column_stack([codes, design[given]]).astype(np.float32)
    outcome = np.sin(codes[:, 0] / 10) + (codes[:, 3] % 3 == 1) * design[given, 0] + rng.normal(size=n)
    settings = {**FIXED, "objective": "regression", "num_leaves": 31}
    data = lightgbm.Dataset(rows, outcome, categorical_feature=[3, d], params=settings)
    booster = lightgbm.train(settings, data, 100)
    forest = Forest.of(booster, d, 2)
    forest.score(codes[:10], design)
    ours, theirs = [], []
    for _ in range(options.repeats):
        start = time.process_time()
        scores = forest.score(codes, design)
        ours.append(time.process_time() - start)
        start = time.process_time()
        columns = [
            booster.predict(
                np.column_stack([codes, np.tile(action, (n, 1))]).astype(np.float32),
                num_threads=1,
                raw_score=True,
            )
            for action in design
        ]
        theirs.append(time.process_time() - start)
    difference = float(np.abs(scores - np.column_stack(columns)).max())
    a, b = float(np.median(ours)), float(np.median(theirs))
    cells = n * len(design)
    print(
        f"{n:,} customers × {len(design)} actions × 100 trees, one thread, median of {options.repeats} CPU times"
    )
    print(f"forest    {a:7.3f} s  {cells / a:14,.0f} cells/s")
    print(f"LightGBM  {b:7.3f} s  {cells / b:14,.0f} cells/s")
    print(f"ratio     {b / a:7.1f} ×   largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
