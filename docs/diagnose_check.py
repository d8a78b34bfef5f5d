"""What `modalflow diagnose` should find in the data sets of docs/diagnose.md, by a calculation of its own.

    python3 docs/diagnose_check.py FOLDER [NAME...]

FOLDER is what docs/diagnose_data.py wrote. Only NumPy's singular values and least squares are used; nothing is
integrated. Formulas: Zhang, Latham & Saxe, ICML 2024 (arXiv 2312.00935), late fusion and superficial preference.
"""

import csv
import sys
from pathlib import Path

import numpy as np

SUBSAMPLES, HOLDOUT, SEED = 200, 0.2, 1


def read_csv(path, groups, target, label=False):
    """Modalities and target of a table; `groups` says by a prefix or by names which columns a modality has."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    chosen = {
        name: [i for i, title in enumerate(header) if title in what or (isinstance(what, str) and title.startswith(what))]
        for name, what in groups.items()
    }
    used = sum(chosen.values(), [])
    rows = [row for row in rows if all(row[i] for i in used)]
    y = [row[header.index(target)] for row in rows]
    y = categories(y) if label else np.array(y, dtype=float)[:, None]
    return {name: np.array([[float(row[i]) for i in columns] for row in rows]) for name, columns in chosen.items()}, y


def categories(labels):
    """One column a class, 1 where a row is of it."""
    return np.equal.outer(np.array(labels), np.unique(labels)).astype(float)


def arrays(folder, stem, names, target, label=False):
    y = np.load(folder / f"{stem}_{target}.npy")
    y = categories(y) if label else y[:, None]
    return {name: np.load(folder / f"{stem}_{name}.npy").astype(float) for name in names}, y


SETS = {
    "diabetes": lambda f: read_csv(
        f / "diabetes.csv", {"body": ["age", "sex", "bmi", "bp"], "serum": [f"s{i}" for i in range(1, 7)]}, "progression"
    ),
    "nutrimouse genotype": lambda f: read_csv(
        f / "nutrimouse.csv", {"genes": "gene_", "lipids": "lipid_"}, "genotype", label=True
    ),
    "nutrimouse diet": lambda f: read_csv(f / "nutrimouse.csv", {"genes": "gene_", "lipids": "lipid_"}, "diet", label=True),
    "digits fourier karhunen": lambda f: arrays(f, "digits", ["fourier", "karhunen"], "label", label=True),
    "digits pixels profile": lambda f: arrays(f, "digits", ["pixels", "profile"], "label", label=True),
    "digits six views": lambda f: arrays(
        f, "digits", ["fourier", "profile", "karhunen", "pixels", "zernike", "shape"], "label", label=True
    ),
    "breast cancer": lambda f: read_csv(
        f / "breast_cancer.csv", {"clinical": ["age", "size", "grade", "er"], "genes": "gene_"}, "metastasis"
    ),
    "films": lambda f: arrays(f, "films", ["text", "facts"], "score"),
}


def standardised(x, rows=slice(None)):
    """Columns of mean 0 and variance 1 over some of the rows; constant columns become 0. Returns x, mean and scale."""
    mean, scale = x[rows].mean(0), x[rows].std(0)
    scale = np.where(scale > 1e-12 * np.maximum(1, abs(mean)), scale, np.inf)
    return (x - mean) / scale, mean, scale


def largest(matrix):
    return np.linalg.svd(matrix, compute_uv=False)[0]


def moments(modalities, y):
    """S_yx and S_xx, over all rows, of standardised inputs and a centred target in units of its total deviation."""
    y = y - y.mean(0)
    y = y / np.sqrt((y**2).sum() / len(y))
    x = {name: standardised(x)[0] for name, x in modalities.items()}
    return x, y, {name: y.T @ x[name] / len(y) for name in x}


def explained(x, y, train, test):
    """Fraction of the target's power on held-out rows that least squares (least-norm) explains; inputs standardised."""
    x, _, _ = standardised(x, train)
    mean = y[train].mean(0)
    weights = np.linalg.lstsq(x[train], y[train] - mean, rcond=None)[0]
    return 1 - ((y[test] - mean - x[test] @ weights) ** 2).sum() / ((y[test] - mean) ** 2).sum()


def held_out(modalities, y, rng):
    """Alone and unique power of each modality, and joint, on one random hold-out."""
    order = rng.permutation(len(y))
    test, train = np.split(order, [round(HOLDOUT * len(y))])
    join = lambda names: np.hstack([modalities[name] for name in names])
    joint = explained(join(modalities), y, train, test)
    alone = {name: explained(x, y, train, test) for name, x in modalities.items()}
    unique = {}
    for name in modalities:
        others = [other for other in modalities if other != name]
        unique[name] = joint - explained(join(others), y, train, test)
    return alone, unique, joint


def late_fusion(x, y, first, second):
    """Time ratio t_B/t_A = 1 + (|S_yxA| - |S_yxB|)/|S_yxB - S_yxA S_A^+ S_AB|, and the rate of B that makes it 1."""
    yxa, yxb = (y.T @ x[name] / len(y) for name in (first, second))
    left = yxb - yxa @ np.linalg.pinv(x[first].T @ x[first] / len(y), rcond=1e-10) @ (x[first].T @ x[second] / len(y))
    drive = largest(left)
    rate = largest(yxa) / largest(yxb)
    return (1 + (largest(yxa) - largest(yxb)) / drive if drive > 1e-9 else None), rate


def spread(values):
    return f"{np.mean(values):.3f} ({np.quantile(values, 0.1):.3f} to {np.quantile(values, 0.9):.3f})"


def page(name, modalities, y):
    """Prints what is known of one data set."""
    rng = np.random.default_rng(SEED)
    x, unit, correlation = moments(modalities, y)
    growth = {modality: largest(s) for modality, s in correlation.items()}
    order = sorted(growth, key=growth.get, reverse=True)
    rank = {modality: np.linalg.matrix_rank(x[modality]) for modality in x}
    fits = {
        modality: np.linalg.norm(unit - x[modality] @ np.linalg.lstsq(x[modality], unit, rcond=1e-10)[0]) < 1e-8 for modality in x
    }
    power = [held_out(modalities, y, rng) for _ in range(SUBSAMPLES)]
    print(f"\n{name}: {len(y)} rows, {y.shape[1]} outputs; jointly explained {spread([joint for _, _, joint in power])}")
    for modality in order:
        alone, unique = ([part[i][modality] for part in power] for i in (0, 1))
        print(
            f"  {modality}: {x[modality].shape[1]} inputs, rank {rank[modality]}, fits alone {fits[modality]}, "
            f"|S_yx| {growth[modality]:.4f}, alone {spread(alone)}, unique {spread(unique)}"
        )
    firsts, superficial, ratios = [], [], []
    for _ in range(SUBSAMPLES):
        rows = rng.permutation(len(y))[: len(y) // 2]
        part = {modality: modalities[modality][rows] for modality in modalities}
        part_x, part_y, part_correlation = moments(part, y[rows])
        rates = {modality: largest(s) for modality, s in part_correlation.items()}
        ranked = sorted(rates, key=rates.get, reverse=True)
        firsts.append(ranked[0])
        alone, _, _ = held_out(part, y[rows], rng)
        superficial.append(ranked[0] != max(alone, key=alone.get))
        ratio = late_fusion(part_x, part_y, *ranked[:2])[0]
        ratios += [ratio] if ratio else []
    ratio, rate = late_fusion(x, unit, *order[:2])
    shares = {modality: firsts.count(modality) / SUBSAMPLES for modality in order if modality in firsts}
    means = {modality: np.mean([alone[modality] for alone, _, _ in power]) for modality in order}
    print(f"  first, of {SUBSAMPLES} half samples: {shares}")
    print(f"  superficial: {order[0] != max(means, key=means.get)}, in {np.mean(superficial):.2f} of half samples")
    print(f"  late fusion, first two: ratio {ratio and round(ratio, 4)}, balancing rate of {order[1]} {rate:.4f}")
    print(f"  ratio in half samples: {spread(ratios) if ratios else 'none'}")


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: python3 docs/diagnose_check.py FOLDER [NAME...]")
    for name in sys.argv[2:] or SETS:
        page(name, *SETS[name](Path(sys.argv[1])))


if __name__ == "__main__":
    main()
