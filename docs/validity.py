"""Writes the measured numbers of docs/validity.md from the tables of the sweeps in scenarios/validity/.

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced. Run `make validity`, which makes the
tables first: outputs/validity/*/sweep.csv.
"""

import csv
import json
import math
import statistics
from pathlib import Path

from page import fill, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "validity.md"
OUTPUTS = ROOT / "outputs" / "validity"
SWEEPS = ["depth2", "depth3", "depth4", "depth5", "depth6", "wide", "wide_late"]

FORMULA, WEIGHTS = "formula", "weights"
LIMITS = (0.01, 0.05, 0.20)


class Run:
    """One row of a table. Missing values are None."""

    def __init__(self, row, summary):
        def number(key):
            return float(row[key]) if row.get(key) else None

        def setting(path):
            """The value of an axis, or of the scenario where no axis varies it."""
            if path in row:
                return float(row[path])
            value = summary["scenario"]
            for key in path.split("."):
                value = value[key]
            return float(value)

        self.depth = int(setting("network.depth"))
        fusion = int(setting("network.fusion_layer"))
        self.fusion = fusion
        self.kind = "early" if fusion == 1 else "late" if fusion == self.depth else "intermediate"
        self.norm, self.width = setting("init.gaussian_norm.norm"), int(setting("network.width"))
        self.rho, self.sigma = setting("data.toy.rho"), setting("data.toy.sigma.A")
        # The first half of the repeats chooses thresholds, the second half tests them.
        self.held_out = 2 * int(row["repeat"]) >= summary["scenario"]["sweep"]["repeats"]
        self.has_failed = row["outcome"] not in ("converged", "time_reached", "stalled")
        self.ratio, self.neglected = number("ratio"), number("weights_neglected")
        self.predicted = {FORMULA: number("theory_ratio"), WEIGHTS: number("weights_ratio")}
        self.gap = {FORMULA: number("ratio_gap"), WEIGHTS: number("weights_ratio_gap")}
        self.first, self.theory_first = row["first"], row["weights_first"] or row["theory_first"]
        self.times = number("weights_t_first"), number("weights_t_second")
        self.has_plateau = number("first_gain") is not None

    @property
    def group(self):
        """Runs that share a threshold."""
        return "two layers" if self.depth == 2 else f"{self.kind}, three layers and more"

    def is_within(self, theory, limit):
        """A run without a ratio, a prediction or the predicted order is outside."""
        return self.gap[theory] is not None and abs(self.gap[theory]) < limit

    def drives(self):
        """|S_yx| of the modality predicted first, and what drives the other one once it is learned (σ_B = 1, w = 1)."""
        own = {"A": self.sigma**2 + self.rho * self.sigma, "B": 1 + self.rho * self.sigma}
        left = {"A": (1 - self.rho**2) * self.sigma**2, "B": 1 - self.rho**2}
        # Early fusion learns both at once; the modality of the smaller drive lags behind.
        first = self.theory_first if self.kind != "early" else max(own, key=lambda m: abs(own[m]))
        second = {"A": "B", "B": "A"}[first]
        return abs(own[first]), left[second]

    def bound(self):
        """ε: what leading order neglects. Stage two of intermediate fusion also takes the shared layers for balanced
        and of rank one, as if of their initial weights nothing were left, whose share is u0^2 where layers end at 1."""
        if self.neglected is None or self.kind != "intermediate":
            return self.neglected
        return max(self.neglected, self.norm**2)

    def first_drop(self):
        """1/(L |D_1| t_1)."""
        if self.neglected is None or not self.times[0]:
            return None
        return 1 / (self.depth * self.drives()[0] * self.times[0])

    def phase(self):
        """|D_2| (t_2 - t_1) of the predicted unimodal phase, in its natural unit."""
        if None in self.times or self.kind == "early" or not self.theory_first:
            return None
        return self.drives()[1] * (self.times[1] - self.times[0])

    def haste(self):
        """One over it, infinite where there is no phase."""
        return 1 / self.phase() if self.phase() else math.inf


def load():
    runs = []
    for name in SWEEPS:
        summary = json.loads((OUTPUTS / name / "summary.json").read_text(encoding="utf-8"))
        with open(OUTPUTS / name / "sweep.csv", newline="", encoding="utf-8") as file:
            runs += [Run(row, summary) for row in csv.DictReader(file)]
    return runs


def share(flags):
    """A fraction of runs in per cent."""
    flags = list(flags)
    return f"{100 * sum(flags) / len(flags):.1f} %" if flags else "-"


def grouped(runs, key):
    groups = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return dict(sorted(groups.items()))


def place(run):
    return run.depth, run.fusion, run.kind


def has_other_order(run, theory):
    """Both have a ratio, and the modalities were learned in another order."""
    return run.ratio is not None and run.predicted[theory] is not None and run.gap[theory] is None


def counts(runs):
    """How many runs there are, and what is missing in which."""
    rows = []
    for (depth, fusion, kind), own in grouped(runs, place).items():
        rows.append([
            f"{depth}, {fusion} ({kind})",
            len(own),
            sum(run.has_failed for run in own),
            sum(run.ratio is None and not run.has_failed for run in own),
            sum(run.predicted[FORMULA] is None for run in own),
            sum(run.predicted[WEIGHTS] is None for run in own),
            sum(has_other_order(run, FORMULA) for run in own),
            sum(has_other_order(run, WEIGHTS) for run in own),
        ])
    rows.append(["all"] + [sum(row[i] for row in rows) for i in range(1, 8)])
    header = ["L, Lf", "runs", "failed", "no measured ratio", "no formula", "no times from weights"]
    return table(header + ["order differs: formula", "weights"], rows)


def accuracy(runs):
    """Where each theory is within 1, 5 and 20 %, over all runs."""
    rows = []
    for (depth, fusion, kind), own in grouped(runs, place).items():
        cells = [share(run.is_within(theory, limit) for run in own) for theory in (FORMULA, WEIGHTS) for limit in LIMITS]
        rows.append([f"{depth}, {fusion} ({kind})", len(own)] + cells)
    header = [f"{name} {100 * limit:.0f} %" for name in ("formula within", "weights within") for limit in LIMITS]
    return table(["L, Lf", "runs"] + header, rows)


def over(key, label, number):
    """Within 5 %, formula / weights, over one axis, for each kind of fusion."""

    def make(runs):
        columns = [
            (depth, kind)
            for depth, kind in dict.fromkeys((run.depth, run.kind) for run in sorted(runs, key=place))
            if kind != "early"
        ]
        rows = []
        for value, own in grouped(runs, key).items():
            cells = []
            for column in columns:
                here = [run for run in own if (run.depth, run.kind) == column]
                within = [share(run.is_within(theory, 0.05) for run in here) for theory in (FORMULA, WEIGHTS)]
                cells.append(" / ".join(text.removesuffix(" %") for text in within) if here else "-")
            rows.append([number(value)] + cells)
        return table([label] + [f"L = {depth}, {kind}" for depth, kind in columns], rows)

    return make


def predicted(runs):
    """Those whose architecture has times from the weights. A run without them does not meet a criterion."""
    return [run for run in runs if run.depth > 2 or run.kind != "early"]


def value(number, run):
    """A number of a run, infinite where it has none."""
    found = number(run)
    return math.inf if found is None else found


def best_threshold(runs, number, is_good):
    """The number below which runs are good that is right most often."""
    known = sorted((value(number, run), is_good(run)) for run in runs)
    right = sum(not good for _, good in known)
    best, threshold = right, 0.0
    for at, good in known:
        right += 1 if good else -1
        if right > best:
            best, threshold = right, at
    return float(f"{threshold:.2g}")


def verdicts(runs, is_met, is_good):
    """Runs that meet a criterion and how many are good; those that do not, and how many are bad."""
    met = [run for run in runs if is_met(run)]
    not_met = [run for run in runs if not is_met(run)]
    right = [is_good(run) for run in met] + [not is_good(run) for run in not_met]
    good, bad = share(is_good(run) for run in met), share(not is_good(run) for run in not_met)
    return [len(met), good, len(not_met), bad, share(right)]


def at_most(number, threshold):
    """The criterion that a number is at most so large."""
    return lambda run: value(number, run) <= threshold


def halves(runs):
    """Those that thresholds are chosen on, and those that they are tested on."""
    return [[run for run in runs if run.held_out is side] for side in (False, True)]


def within(limit):
    return lambda run: run.is_within(WEIGHTS, limit)


def bins(runs):
    """Gaps over the number, in powers of about three."""
    edges = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, math.inf]
    groups = grouped(predicted(runs), lambda run: run.group)
    rows = []
    for low, high in zip(edges, edges[1:]):
        cells = []
        for own in groups.values():
            here = [run for run in own if low <= value(Run.bound, run) < high]
            gaps = sorted(abs(run.gap[WEIGHTS]) for run in here if run.gap[WEIGHTS] is not None)
            if not here:
                cells.append("-")
                continue
            median = f"{100 * statistics.median(gaps):.2g} %" if gaps else "-"
            cells.append(f"{len(here)}: {median}, {share(within(0.05)(run) for run in here)}")
        rows.append([f"{low} to {high}" if high < math.inf else f"from {low}"] + cells)
    unknown = [sum(run.neglected is None for run in own) for own in groups.values()]
    rows.append(["not known"] + unknown)
    return table(["ε"] + list(groups), rows)


def criterion(runs):
    """Thresholds chosen on one half of the repeats, tested on the other."""
    rows = []
    for group, own in grouped(predicted(runs), lambda run: run.group).items():
        for limit in LIMITS:
            chosen, tested = halves(own)
            threshold = best_threshold(chosen, Run.bound, within(limit))
            cells = verdicts(tested, at_most(Run.bound, threshold), within(limit))
            rows.append([group, f"{100 * limit:.0f} %", threshold] + cells)
    header = ["group", "within", "ε at most", "runs that meet it", "of these within", "runs that do not"]
    return table(header + ["of these outside", "right"], rows)


NUMBERS = {
    "initial norm u0 of the layers": lambda run: run.norm,
    "first drop only, 1/(L D₁ t₁)": Run.first_drop,
    "the larger of both drops, `weights_neglected`": lambda run: run.neglected,
    "ε: with u0² for intermediate fusion": Run.bound,
}


def candidates(runs):
    """How often a threshold on each number is right on held-out repeats, within 5 %."""
    groups = grouped(predicted(runs), lambda run: run.group)
    rows = []
    for name, number in NUMBERS.items():
        cells = []
        for own in groups.values():
            chosen, tested = halves(own)
            threshold = best_threshold(chosen, number, within(0.05))
            cells.append(verdicts(tested, at_most(number, threshold), within(0.05))[-1])
        rows.append([name] + cells)
    return table(["number"] + list(groups), rows)


# The thresholds of `criterion` for 5 %, rounded, and for intermediate fusion on the safe side.
RULES = {
    "two layers": 0.5,
    "late, three layers and more": 0.2,
    "intermediate, three layers and more": 0.1,
    "early, three layers and more": 0.05,
}


def is_small(run):
    """The rule of thumb: whether leading order is to be trusted to 5 %."""
    return value(Run.bound, run) <= RULES[run.group]


def ruled(runs, rule, is_good):
    """A rule tested on held-out repeats, for each group and for all."""
    _, tested = halves(predicted(runs))
    groups = list(grouped(tested, lambda run: run.group).items()) + [("all", tested)]
    rows = [[group, RULES.get(group, "")] + verdicts(own, rule, is_good) for group, own in groups]
    header = ["group", "ε at most", "runs that meet it", "of these within 5 %", "other runs", "of these outside"]
    return table(header + ["right"], rows)


def simple(runs):
    """The rule of thumb for the times from the weights."""
    return ruled(runs, is_small, within(0.05))


def formula_rule(runs):
    """When the published formula serves: the weights' ratio is trusted, and the formula agrees with it."""

    def is_met(run):
        formula, weights = run.predicted[FORMULA], run.predicted[WEIGHTS]
        agrees = formula is not None and weights is not None and abs(formula / weights - 1) < 0.05
        return is_small(run) and agrees

    return ruled(runs, is_met, lambda run: run.is_within(FORMULA, 0.05))


def boundary(runs):
    """Up to which initial norm runs have a unimodal plateau, and what tells it before a run."""
    rows = []
    for (depth, fusion, kind), own in grouped(runs, place).items():
        if kind == "early":
            continue
        shares = {
            norm: sum(run.has_plateau for run in here) / len(here)
            for norm, here in grouped(own, lambda run: run.norm).items()
        }
        half = [norm for norm, found in shares.items() if found >= 0.5]
        first, second = halves(own)
        chosen = best_threshold(first, Run.haste, lambda run: run.has_plateau)
        cells = verdicts(second, lambda run: (run.phase() or 0) >= 1, lambda run: run.has_plateau)
        cells[-1:] = [f"{1 / chosen:.2g}", cells[-1]]
        rows.append([f"{depth}, {fusion} ({kind})", max(half, default="-")] + cells)
    header = ["L, Lf", "largest u0 with a plateau in half of the runs", "runs with D₂ (t₂ − t₁) ≥ 1"]
    header += ["of these with a plateau", "other runs", "of these without", "best threshold", "right with 1"]
    return table(header, rows)


SECTIONS = {
    "counts": counts,
    "accuracy": accuracy,
    "norm": over(lambda run: run.norm, "u0", lambda value: f"{value:g}"),
    "width": over(lambda run: run.width, "width", str),
    "rho": over(lambda run: run.rho, "ρ", lambda value: f"{value:g}"),
    "sigma": over(lambda run: run.sigma, "r", lambda value: f"{value:g}"),
    "bins": bins,
    "criterion": criterion,
    "candidates": candidates,
    "simple": simple,
    "formula": formula_rule,
    "boundary": boundary,
}


def main():
    runs = load()
    fill(PAGE, {name: make(runs) for name, make in SECTIONS.items()})
    print(f"docs/validity.md: {len(runs)} runs")


if __name__ == "__main__":
    main()
