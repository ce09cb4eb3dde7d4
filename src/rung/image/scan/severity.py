"""How bad a vulnerability is: five words, however a feed says it.

CVSS v3.1 specification, 7.1 (base metrics), 7.4 (weights), appendix A (rounding).
"""

from __future__ import annotations

UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL = SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")

_WORDS = {
    "none": UNKNOWN, "unknown": UNKNOWN, "negligible": LOW, "unimportant": LOW, "low": LOW, "medium": MEDIUM,
    "moderate": MEDIUM, "high": HIGH, "important": HIGH, "critical": CRITICAL, "urgent": CRITICAL,
}  # fmt: skip
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def of_word(word: str) -> str:
    """Of Debian's, Ubuntu's, GitHub's or Red Hat's word for it."""
    return _WORDS.get(word.strip().strip("*").lower(), UNKNOWN)


def of_score(score: float) -> str:
    """The qualitative rating of a CVSS score."""
    if score <= 0:
        return UNKNOWN
    return LOW if score < 4 else MEDIUM if score < 7 else HIGH if score < 9 else CRITICAL


def base_score(vector: str) -> float:
    """The base score of a CVSS 3 vector; 0 where it is none."""
    metrics = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    if not metrics.get("CVSS", "").startswith("3"):
        return 0.0
    try:
        changed = metrics["S"] == "C"
        privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
        weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
    except KeyError:
        return 0.0
    sub = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (sub - 0.029) - 3.25 * (sub - 0.02) ** 15 if changed else 6.42 * sub
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _round_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _round_up(value: float) -> float:
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
