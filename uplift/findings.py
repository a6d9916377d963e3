"""Finding: the result of one check, with what was measured and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["ok", "warn", "refuse", "fallback", "overridden"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        code: The check: a gate ("G2") or a reading check ("ids", "outcome", …).
        verdict: "ok"; "warn" (goes on, printed); "refuse" (stops unless overridden by name); "fallback" (goes on
            with a simpler claim); "overridden" (would have refused, a named override let it pass).
        measured: The number the verdict rests on, or None where there is none.
        threshold: The limit that the number was held against.
        message: One sentence: what was found, with rows or arms.
        next: One sentence: what to do about it.
    """

    code: str
    verdict: Verdict
    message: str
    measured: float | None = None
    threshold: float | None = None
    next: str = ""

    def override(self, codes: frozenset[str]) -> Finding:
        """Return the same finding, as "overridden" where it refused or fell back and its code is named."""
        if self.verdict in ("refuse", "fallback") and self.code in codes:
            return replace(self, verdict="overridden")
        return self

    def to_dict(self) -> dict[str, str | float | None]:
        """Return the finding as the object that summary.json holds."""
        return {
            "code": self.code,
            "verdict": self.verdict,
            "message": self.message,
            "measured": self.measured,
            "threshold": self.threshold,
            "next": self.next,
        }
