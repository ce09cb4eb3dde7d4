"""dive's three rules for pipelines: how inefficient an image may be.

Rule: pure; a rule's value comes from the command line, else from a ``.dive-ci`` file's text, else
it is dive's default. Both of dive's spellings (``lowestEfficiency``, ``lowest-efficiency``) count.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.image.explore.sizes import human, parse
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rung.image.explore.analysis import Analysis

EFFICIENCY, BYTES, PERCENT = "lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent"
DEFAULTS = {EFFICIENCY: "0.9", BYTES: "disabled", PERCENT: "0.1"}
_OFF = ("", "disabled", "off", "false")

PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"


class Outcome(Record):
    """One rule's."""

    rule: str
    status: str
    text: str


class Verdict(Record):
    """All rules' outcomes."""

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether none failed."""
        return all(outcome.status != FAIL for outcome in self.outcomes)

    def text(self) -> str:
        """A line a rule, then the result."""
        lines = [f"  {one.status}: {one.rule}: {one.text}" for one in self.outcomes]
        counts = {s: sum(one.status == s for one in self.outcomes) for s in (PASS, FAIL, SKIP)}
        tally = f"[Total:{len(self.outcomes)}] [Passed:{counts[PASS]}] [Failed:{counts[FAIL]}]"
        result = f"Result:{PASS if self.passed else FAIL} {tally} [Skipped:{counts[SKIP]}]"
        return "\n".join(["Evaluation:", *lines, result]) + "\n"


class Rules(Record):
    """Limits; None: the rule is off."""

    lowest_efficiency: float | None
    highest_wasted_bytes: int | None
    highest_user_wasted_percent: float | None

    def judge(self, analysis: Analysis) -> Verdict:
        """Compare an image with the limits, by dive's numbers."""
        wasted, share = analysis.inefficient_bytes, analysis.user_wasted_percent
        low, most, part = self.lowest_efficiency, self.highest_wasted_bytes, self.highest_user_wasted_percent
        return Verdict(
            (
                _outcome(EFFICIENCY, low, low is not None and analysis.efficiency < low, f"{analysis.efficiency:.4f}"),
                _outcome(BYTES, most, most is not None and wasted > most, f"{wasted} bytes ({human(wasted)})"),
                _outcome(PERCENT, part, part is not None and share > part, f"{share:.4f}"),
            )
        )


def _outcome(rule: str, limit: float | None, failed: bool, found: str) -> Outcome:
    if limit is None:
        return Outcome(rule, SKIP, "disabled")
    bound = "at least" if rule == EFFICIENCY else "at most"
    return Outcome(rule, FAIL if failed else PASS, f"{found}, {bound} {limit}")


def rules_from(file_text: str = "", given: Mapping[str, str | None] | None = None) -> Rules:
    """The rules of a ``.dive-ci`` file's text, with ``given`` (by rule's name) going before it."""
    values = {**DEFAULTS, **_file_rules(file_text)}
    values.update({rule: value for rule, value in (given or {}).items() if value is not None})
    most = values[BYTES].strip().lower()
    try:
        wasted = None if most in _OFF else parse(most)
    except ValueError:
        raise RungError("rule", BYTES, f"{values[BYTES]!r} is no size", "20MB, for example") from None
    return Rules(_ratio(EFFICIENCY, values[EFFICIENCY]), wasted, _ratio(PERCENT, values[PERCENT]))


def _ratio(rule: str, text: str) -> float | None:
    if text.strip().lower() in _OFF:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise RungError("rule", rule, f"{text!r} is no ratio between 0 and 1", "0.95, for example")
    return value


def _file_rules(text: str) -> dict[str, str]:
    """``rules:`` and a line for each: all the YAML that such a file has."""
    names = {name.lower(): name for name in DEFAULTS}
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        key, colon, value = line.partition("#")[0].strip().partition(":")
        if not key or (key == "rules" and not value.strip()):
            continue
        name = names.get(key.strip("\"'").replace("-", "").lower())
        if not colon or name is None:
            raise RungError("rules file", f"line {number}", f"{key!r} is no rule", f"use {', '.join(DEFAULTS)}")
        found[name] = value.strip().strip("\"'")
    return found
