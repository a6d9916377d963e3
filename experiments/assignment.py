"""Who gets which arm: a salted hash of the customer, so that the same question has the same answer anywhere.

The hash depends on the customer and the salt alone: not on the order of the file, nor on who else is in it,
nor on the machine. Another salt makes an independent assignment, so one experiment does not steer the next.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from uplift.errors import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ids = npt.ArrayLike | Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Which arm each customer was given, and with which probability.

    Attributes:
        customer: (n,) ids as text.
        arms: (k,) labels, in alphabetical order.
        shares: (k,) designed share of each arm.
        index: (n,) place of each customer's arm in `arms`.
        salt: The salt that makes this assignment reproducible.
    """

    customer: tuple[str, ...]
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    index: npt.NDArray[np.int32]
    salt: str

    @property
    def arm(self) -> npt.NDArray[np.str_]:
        """(n,) label of each customer's arm."""
        return np.array(self.arms)[self.index]

    @property
    def probability(self) -> Floats:
        """(n,) probability with which each customer was given that arm."""
        return np.array(self.shares)[self.index]

    @property
    def counts(self) -> dict[str, int]:
        """Customers in each arm."""
        found = np.bincount(self.index, minlength=len(self.arms))
        return dict(zip(self.arms, found.tolist(), strict=True))

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.index)

    def __str__(self) -> str:
        """Return the assignment in one sentence."""
        parts = (
            f"{arm} {count:,} ({100 * count / max(len(self), 1):.2f} % of {100 * share:g} % designed)"
            for (arm, count), share in zip(self.counts.items(), self.shares, strict=True)
        )
        return f"{len(self):,} customers assigned with salt {self.salt!r}: {', '.join(parts)}."

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of customer, arm and probability."""
        import pandas as pd

        return pd.DataFrame(
            {"customer": list(self.customer), "arm": self.arm, "probability": self.probability}
        )


def assign(
    customers: Ids,
    shares: Mapping[str, float],
    *,
    salt: str,
    strata: npt.ArrayLike | None = None,
    cluster: Ids | None = None,
) -> Assignment:
    """Return an arm for every customer: the interval of [0, 1) that the hash of its id falls into.

    With `strata`, the customers of each stratum are put in the order of their hashes and drawn systematically
    from a random start, so that every arm has its share of every stratum to within one customer. A customer's
    probability is still the arm's share, but the arm depends on who else is in the stratum. With `cluster`,
    whole clusters (households) are assigned. The order in which `shares` names the arms does not matter.

    Args:
        customers: (n,) ids, text or whole numbers; the same id always gets the same arm.
        shares: Arm → share of the customers; they add up to 1.
        salt: A name for this experiment; use it once.
        strata: (n,) labels, or (n, m) where several columns make up the stratum.
        cluster: (n,) ids of what is assigned as one.

    Raises:
        DataError: Ids that are missing or floats, columns of another length, or a cluster in two strata.
        SettingError: Shares that are not positive or do not add up to 1, or an empty salt.

    References:
        Kohavi, Tang & Xu (2020), Trustworthy Online Controlled Experiments, ch. 14; Madow & Madow (1944).

    >>> shares = {"none": 0.5, "email": 0.5}
    >>> result = assign(["ann", "bob", "cy", "dee"], shares, salt="spring", strata=[1, 1, 1, 1])
    >>> result.counts, result.probability.tolist()
    ({'email': 2, 'none': 2}, [0.5, 0.5, 0.5, 0.5])
    """
    ids = _text(customers, "customers")
    units = ids if cluster is None else _text(cluster, "cluster")
    _same_length(len(ids), cluster=len(units))
    arms, designed = _designed(shares)
    if not salt:
        raise SettingError("The salt is empty; name this experiment, as in salt='spring-2024'.")
    place = uniform(units, salt) if strata is None else _systematic(units, strata, salt)
    index = np.searchsorted(np.cumsum(designed)[:-1], place, side="right").astype(np.int32)
    return Assignment(tuple(ids), arms, designed, index, salt)


def assign_chunks(chunks: Iterable[Ids], shares: Mapping[str, float], *, salt: str) -> Iterator[Assignment]:
    """Yield the assignment of each chunk of ids, in the memory of one chunk; together they are one `assign`.

    Args:
        chunks: Arrays of ids, as read from a file too large to hold.
        shares: Arm → share of the customers; they add up to 1.
        salt: A name for this experiment; use it once.
    """
    for chunk in chunks:
        yield assign(chunk, shares, salt=salt)


def uniform(ids: Sequence[str], salt: str, purpose: str = "customer") -> Floats:
    """Return (n,) numbers in [0, 1), one for each id, by a keyed BLAKE2b hash of 64 bits.

    Args:
        ids: (n,) ids as text.
        salt: Other salts give independent numbers.
        purpose: Separates the draws that one salt is used for.
    """
    return np.asarray((_hashes(ids, salt, purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _hashes(ids: Sequence[str], salt: str, purpose: str) -> npt.NDArray[np.uint64]:
    key = hashlib.blake2b(f"{purpose}\0{salt}".encode()).digest()
    keyed = hashlib.blake2b(key=key, digest_size=8)
    out = bytearray()
    for name in ids:
        one = keyed.copy()
        one.update(name.encode())
        out += one.digest()
    return np.frombuffer(bytes(out), dtype=">u8").astype(np.uint64)


def _systematic(units: list[str], strata: npt.ArrayLike, salt: str) -> Floats:
    """Return each row's place in [0, 1): its rank in the stratum plus a random start, ÷ the size."""
    labels = _labels(strata)
    _same_length(len(units), strata=len(labels))
    unit, names = _codes(units)
    of_row, stratum_names = _codes(labels)
    stratum = np.zeros(len(names), dtype=np.int64)
    stratum[unit] = of_row
    _one_stratum_each(stratum[unit] != of_row, units)
    order = np.lexsort((_hashes(names, salt, "customer"), stratum))
    size = np.bincount(stratum, minlength=len(stratum_names))
    first = np.cumsum(size) - size
    rank = np.empty(len(names))
    rank[order] = np.arange(len(names)) - first[stratum[order]]
    place = (rank + uniform(stratum_names, salt, "stratum")[stratum]) / size[stratum]
    return np.asarray(place[unit])


def _codes(labels: list[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the number of each label, and the labels in the order in which they first appear."""
    known: dict[str, int] = {}
    codes = np.fromiter((known.setdefault(label, len(known)) for label in labels), np.int64, len(labels))
    return codes, list(known)


def _labels(strata: npt.ArrayLike) -> list[str]:
    table = np.asarray(strata, dtype=object)
    if table.ndim == 1:
        return [str(value) for value in table.tolist()]
    return ["\x1f".join(map(str, row)) for row in table.tolist()]


def _text(values: Ids, name: str) -> list[str]:
    """Return ids as text, exactly as given; refuse what would lose digits."""
    array = values if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    found: list[object] = array.tolist()
    kinds = Counter(type(value) for value in found)
    bad = [kind for kind in kinds if not issubclass(kind, (str, int, np.integer)) or kind is bool]
    if bad:
        row = next(i for i, value in enumerate(found) if type(value) in bad)
        count = sum(kinds[kind] for kind in bad)
        raise DataError(
            f"{name}: found {count:,} ids that are neither text nor whole numbers (the first is "
            f"{found[row]!r}, row {row}). Read ids as text: floats lose digits, and a missing id has no arm."
        )
    return [str(value) for value in found]


def _designed(shares: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    arms = tuple(sorted(shares))
    designed = tuple(float(shares[arm]) for arm in arms)
    total = math.fsum(designed)
    if len(arms) < 2 or not all(share > 0 for share in designed) or not math.isclose(total, 1, abs_tol=1e-9):
        raise SettingError(
            f"shares are {dict(shares)}, {total:g} in all; two or more positive shares that add up to 1 are "
            "needed."
        )
    return arms, designed


def _same_length(rows: int, **columns: int) -> None:
    for name, length in columns.items():
        if length != rows:
            raise DataError(f"{name} has {length:,} values for {rows:,} customers; one for each is needed.")


def _one_stratum_each(apart: npt.NDArray[np.bool_], units: list[str]) -> None:
    if apart.any():
        row = int(np.flatnonzero(apart)[0])
        raise DataError(
            f"{units[row]!r} lies in more than one stratum (row {row}); what is assigned as one needs one "
            "stratum: use a property of the whole cluster."
        )
