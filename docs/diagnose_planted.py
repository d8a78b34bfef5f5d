"""Is `modalflow diagnose` right as often as it says? Planted data: order and superficiality are known.

    python3 docs/diagnose_planted.py [--program FILE] [--draws 100] [--first 0] [--resamples 200] [SETTING...]

A column of modality m is sqrt(q_m) z_m + sqrt(1 - q_m) of its own noise; the hidden z_A and z_B have variance 1 and
correlation rho; y = w_A z_A + w_B z_B + noise. With c_m = w_m + rho w_other the population has, for d_m columns,

    |S_yxm|^2 = c_m^2 q_m d_m         explained alone = c_m^2 q_m d_m/(q_m d_m + 1 - q_m)

A draw is a file of its own, from a seed of its own, and the program runs as a user would run it. Mostly each draw has
weights of its own, from 0.3 to 1.3, of weak effects from 0.1 to 0.4. Where they are the same in all draws the truth is clear: with a tie in all draws
any honest confidence would be too high on average, since the modality that seems ahead is named. All settings together
write the section of planted data of docs/diagnose.md. Needs NumPy.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from page import fill, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "diagnose.md"
# columns, quality of a column, weight of the hidden variable, correlation, noise of y, rows
SETTINGS = {
    "clear": dict(columns=(5, 5), quality=(0.5, 0.5), weight=(1.0, 0.5), rho=0.3, noise=1.0, rows=200),
    "alike": dict(columns=(5, 5), quality=(0.5, 0.5), weight=None, rho=0.0, noise=1.0, rows=100),
    "few": dict(columns=(5, 5), quality=(0.5, 0.5), weight=None, rho=0.3, noise=1.0, rows=40),
    "superficial": dict(columns=(20, 3), quality=(0.3, 0.9), weight=(0.85, 1.0), rho=0.0, noise=0.5, rows=200),
    "wide": dict(columns=(60, 10), quality=(0.3, 0.5), weight=None, rho=0.0, noise=0.5, rows=50),
    "mixed": dict(columns=(10, 4), quality=(0.3, 0.7), weight=None, rho=0.2, noise=0.7, rows=80),
    "weak": dict(columns=(5, 5), quality=(0.5, 0.5), weight=None, weights=(0.1, 0.4), rho=0.0, noise=1.0, rows=100),
    "noise": dict(columns=(5, 5), quality=(0.5, 0.5), weight=(0.0, 0.0), rho=0.0, noise=1.0, rows=100),
    "wide_noise": dict(columns=(60, 10), quality=(0.3, 0.5), weight=(0.0, 0.0), rho=0.0, noise=1.0, rows=50),
}
NAMES = ("A", "B")


def weight_of(setting, rng):
    """The weights of the hidden variables: fixed, or drawn, between 0.3 and 1.3 where the setting has no range of its own."""
    return np.array(setting["weight"] or rng.uniform(*setting.get("weights", (0.3, 1.3)), 2))


def truth(setting, weight):
    """Which modality comes first, and whether that is superficial, in the population; None where there is nothing."""
    rho = setting["rho"]
    power = np.array(setting["quality"]) * np.array(setting["columns"])
    drive = weight + rho * weight[::-1]
    growth = drive**2 * power
    explained = growth / (power + 1 - np.array(setting["quality"]))
    if not growth.any():
        return None, None
    return NAMES[growth.argmax()], bool(growth.argmax() != explained.argmax())


def draw(setting, seed, path):
    """Writes one draw as a table with the columns A1, ..., B1, ..., y; gives back the truth about it."""
    rng = np.random.default_rng(seed)
    weight = weight_of(setting, rng)
    rows, rho = setting["rows"], setting["rho"]
    hidden = rng.standard_normal((rows, 2)) @ np.linalg.cholesky([[1.0, rho], [rho, 1.0]]).T
    blocks = [
        np.sqrt(quality) * hidden[:, [m]] + np.sqrt(1 - quality) * rng.standard_normal((rows, columns))
        for m, (quality, columns) in enumerate(zip(setting["quality"], setting["columns"]))
    ]
    y = hidden @ weight + setting["noise"] * rng.standard_normal(rows)
    header = [f"{name}{i + 1}" for name, block in zip(NAMES, blocks) for i in range(block.shape[1])]
    np.savetxt(path, np.column_stack([*blocks, y]), delimiter=",", header=",".join([*header, "y"]), comments="", fmt="%.9g")
    return truth(setting, weight)


def diagnose(program, path, resamples):
    """What the program says of a table, and the command that was run."""
    command = [program, "diagnose", "--table", path, "--modality", "A=A*", "--modality", "B=B*", "--target", "y"]
    # Order and superficiality are told by the rows alone: the smallest network will do.
    command += ["--depth", "2", "--width", "10", "--divisions", "3", "--resamples", str(resamples)]
    command += ["--out", str(path.parent / "outputs"), "--quiet", "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def first_said(answer):
    """The modality said to be first and how sure, or None: there is only noise."""
    if (answer.get("noise_floor") or {}).get("is_all_noise"):
        return None
    first = answer.get("first") or {}
    return (first["name"], first["confidence"]) if first.get("confidence") is not None else None


def superficial_said(answer):
    """Whether superficial and how sure, or None: there is only noise, or that cannot be told."""
    if (answer.get("noise_floor") or {}).get("is_all_noise"):
        return None
    verdict = answer.get("superficial") or {}
    return (verdict["verdict"], verdict["confidence"]) if verdict.get("confidence") is not None else None


def judged(said, right):
    """Of what was said in many draws: number, part that is right, mean confidence, and the difference in deviations."""
    sure = np.array([answer[1] for answer in said if answer])
    hits = np.array([answer[0] == true for answer, true in zip(said, right) if answer])
    if not len(hits):
        return ["0", "-", "-", "-"], True
    # Half a draw of slack: with a confidence near 1 the deviation vanishes.
    deviation = max(np.sqrt((sure * (1 - sure)).sum()), 0.5)
    score = (hits.sum() - sure.sum()) / deviation
    return [str(len(hits)), f"{hits.mean():.2f}", f"{sure.mean():.3f}", f"{score:+.1f}"], score > -2.5


def trial(name, program, seeds, resamples):
    """All draws of one setting: rows of the table, and whether the confidence was honest."""
    answers, truths = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            path = Path(folder) / "draw.csv"
            truths.append(draw(SETTINGS[name], seed, path))
            answers.append(diagnose(program, path, resamples))
    firsts = [first_said(answer) for answer in answers]
    if truths[0][0] is None:
        draws = len(seeds)
        spoke = [seed for seed, said in zip(seeds, firsts) if said]
        print(f"{name}: pure noise; something is said of {len(spoke)} of {draws} draws; seeds {spoke}", flush=True)
        limit = 0.05 * draws + 2.5 * np.sqrt(0.05 * 0.95 * draws)
        return [[name, "anything", str(len(spoke)), "-", "-", "-"]], len(spoke) <= limit
    order, honest = judged(firsts, [first for first, _ in truths])
    preference, also = judged([superficial_said(answer) for answer in answers], [superficial for _, superficial in truths])
    wrong = [seed for seed, said, true in zip(seeds, firsts, truths) if said and said[0] != true[0]]
    print(f"{name}: first: {', '.join(order)}; wrong seeds {wrong}; superficial: {', '.join(preference)}", flush=True)
    return [[name, "first", *order], [name, "superficial", *preference]], honest and also


def main():
    parser = argparse.ArgumentParser(description="Planted data for modalflow diagnose")
    parser.add_argument("settings", nargs="*", metavar="SETTING", help=f"of {', '.join(SETTINGS)}; all if absent")
    parser.add_argument("--program", type=Path, default=ROOT / "target" / "release" / "modalflow")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first draw")
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the draws of the settings instead of running")
    given = parser.parse_args()
    # Of weak effects the order is overstated, as the page says.
    names = given.settings or [name for name in SETTINGS if name != "weak"]
    seeds = range(given.first, given.first + given.draws)
    if given.write:
        given.write.mkdir(parents=True, exist_ok=True)
        for name in names:
            for seed in seeds:
                draw(SETTINGS[name], seed, given.write / f"{name}_{seed}.csv")
        return
    trials = {name: trial(name, given.program, seeds, given.resamples) for name in names}
    if not given.settings:
        header = ["data", "what", "said in", "right", "stated", "difference in deviations"]
        fill(PAGE, {"planted": table(header, [row for rows, _ in trials.values() for row in rows])})
    dishonest = [name for name, (_, honest) in trials.items() if not honest]
    if dishonest:
        raise SystemExit(f"the stated confidence is wrong in: {', '.join(dishonest)}")


if __name__ == "__main__":
    main()
