"""Writes the measured parts of docs/diagnose.md: what `modalflow diagnose` says of real data, and whether it is so.

    python3 docs/diagnose.py FOLDER [NAME...]

FOLDER is what docs/diagnose_data.py wrote. For each data set (all of them, and `draws`, if none is named) this runs the diagnosis,
puts its verdict beside the calculation of docs/diagnose_check.py, and runs its learning rates with `modalflow run` from
three other initial weights, with other rows held out. `make diagnose` does all of that.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from diagnose_check import SETS, known
from page import fill, table

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("MODALFLOW", ROOT / "target" / "release" / "modalflow"))
PAGE = ROOT / "docs" / "diagnose.md"
SEEDS = (1, 2, 3)
# A run with all 649 inputs takes many minutes.
LONG = ("digits_six",)

VIEWS = ("fourier", "profile", "karhunen", "pixels", "zernike", "shape")
OPTIONS = {
    "diabetes": ["--table", "diabetes.csv", "--modality", "body=age,sex,bmi,bp", "--modality", "serum=s1..s6"]
    + ["--target", "progression"],
    "nutrimouse_genotype": ["--table", "nutrimouse.csv", "--modality", "genes=gene_*", "--modality", "lipids=lipid_*"]
    + ["--label", "genotype"],
    "nutrimouse_diet": ["--table", "nutrimouse.csv", "--modality", "genes=gene_*", "--modality", "lipids=lipid_*"]
    + ["--label", "diet"],
    "digits": ["--modality", "fourier=digits_fourier.npy", "--modality", "karhunen=digits_karhunen.npy"]
    + ["--label", "digits_label.npy"],
    "digits_pixels": ["--modality", "pixels=digits_pixels.npy", "--modality", "profile=digits_profile.npy"]
    + ["--label", "digits_label.npy"],
    "digits_six": [word for view in VIEWS for word in ("--modality", f"{view}=digits_{view}.npy")]
    + ["--label", "digits_label.npy"],
    "breast_cancer": ["--table", "breast_cancer.csv", "--modality", "clinical=age,size,grade,er"]
    + ["--modality", "genes=gene_*", "--target", "metastasis", "--set", "data.table.missing=drop"],
    "films": ["--modality", "text=films_text.npy", "--modality", "facts=films_facts.npy", "--target", "films_score.npy"]

}


def call(folder, *arguments):
    """Runs the program in the data's folder; gives back what it prints as JSON."""
    command = [str(PROGRAM), *arguments, "--json", "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def spread(found):
    """The median of what draws of the initial weights have, and its range from 10 to 90 %."""
    return "-" if not found else f"{found['median']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def command_of(name):
    """The command as a user types it."""
    quoted = [f"'{word}'" if any(c in word for c in "*,") else word for word in OPTIONS[name]]
    lines, line = [], "modalflow diagnose"
    for word in quoted:
        if word.startswith("--") and len(line) > 80:
            lines, line = [*lines, line + " \\"], "   "
        line += f" {word}"
    return "\n".join(["```sh", *lines, line, "```"])


def verdict(folder, name):
    """The points of the verdict in diagnosis.md, as a quotation."""
    page = (folder / "diagnoses" / name / "diagnosis.md").read_text(encoding="utf-8")
    return "> " + page.split("\n\n")[1].replace("\n", "\n> ")


def modalities(answer, own):
    """What the diagnosis and NumPy say of each modality, in the order of growth."""
    floor = {each["name"]: each for each in (answer["noise_floor"] or {"modalities": []})["modalities"]}
    said = {each["name"]: each for each in answer["modalities"]}
    mean = lambda part, name: number(np.mean([power[part][name] for power in own["power"]]), 2)
    rows = []
    for name in own["order"]:
        each = said[name]
        rows.append(
            [
                name,
                f"{each['inputs']}, {each['rank']}",
                "yes" if each["fits_alone"] else "no",
                f"{number(each['growth_rate'])}, {number(own['growth'][name])}",
                number(floor[name]["growth_rate"]) if name in floor else "-",
                f"{number(each['explained_alone'], 2)}, {mean('alone', name)}",
                f"{number(each['explained_unique'], 2)}, {mean('unique', name)}",
            ]
        )
    header = ["modality", "inputs, rank", "fits alone", "growth rate, NumPy", "of noise below"]
    return table([*header, "explains alone, NumPy", "alone adds, NumPy"], rows)


def verdicts(answer, own):
    first, superficial, late = answer["first"], answer["superficial"], answer["late_ratio"]
    interval = "-" if not late["interval"] else " to ".join(number(bound, 2) for bound in late["interval"])
    said = {True: "yes", False: "no", None: "cannot be told"}[superficial["verdict"]]
    share = 1 - own["superficial"] if superficial["verdict"] is False else own["superficial"]
    of = "yes, " if superficial["verdict"] is None else ""
    rows = [
        ["learned first", first["name"], number(first["confidence"]), number(own["first"][first["name"]])],
        ["superficial", said, number(superficial["confidence"]), of + number(share)],
        ["late time ratio, formula", number(late["ratio"]), f"10 to 90 %: {interval}", number(own["ratio"])],
    ]
    return table(["", "diagnosis", "confidence", "NumPy, share of half samples"], rows)


def advice(name, answer, folder):
    """The remedies as predicted and verified, and the first of them from other initial weights."""
    seeds = () if name in LONG else SEEDS
    if not answer["remedies"]:
        return f"No remedy is offered: {answer['remedies_reason']}."
    rows = []
    for remedy in answer["remedies"]:
        value = remedy["value"]
        words = ", ".join(f"{m} {v:.3f}" for m, v in value.items()) if isinstance(value, dict) else f"{value:.3f}"
        reruns = seeds if remedy["remedy"] == "rate" else ()
        again = [number(rerun(name, answer, folder, remedy, seed)) for seed in reruns]
        rows.append(
            [
                remedy["remedy"],
                words,
                number(remedy["predicted_ratio"]),
                number(remedy["measured_ratio"]),
                ", ".join(again),
                spread(remedy["draws"] and remedy["draws"]["ratio"]),
                number(remedy["cost"]["time_factor"], 2),
                number(remedy["cost"]["error_factor"], 2),
            ]
        )
    plain = [number(rerun(name, answer, folder, None, seed)) for seed in seeds]
    late = answer["layers"][-1]
    none = ["none", "", number(late["theory"]["ratio"]), number(late["ratio"]), ", ".join(plain)]
    none += [spread(late["draws"] and late["draws"]["ratio"]), "", ""]
    header = ["remedy", "value", "ratio predicted", "ratio measured", "`modalflow run`, seeds 1 to 3", "over the draws"]
    header += ["time", "error"]
    return table(header, [none, *rows])


def draws(folder):
    """Late fusion from several draws: four layers as diagnosed, and two layers at a small scale."""
    small = ["--depth", "2", "--init-std", "1e-6", "--resamples", "20", "--divisions", "3"]
    rows = []
    for name in OPTIONS:
        deep = json.loads((folder / "diagnoses" / name / "diagnosis.json").read_text(encoding="utf-8"))
        two = call(folder, "diagnose", *OPTIONS[name], "--name", f"{name}_two", "--out", "diagnoses", *small)
        row = [name]
        for answer in (deep, two):
            found = answer["layers"][-1]["draws"]
            shares = [f"{each['name']} {100 * each['share']:.0f} %" for each in found["first"] if each["share"]] if found else ["-"]
            never = f", never from {100 * found['never']:.0f} %" if found and found["never"] else ""
            row += [", ".join(shares), spread(found and found["ratio"]) + never]
        rows.append(row)
    header = ["data", "four layers, learned first", "ratio", "two layers, learned first", "ratio"]
    return table(header, rows)


def rerun(name, answer, folder, remedy, seed):
    """The time ratio of late fusion by `modalflow run` from other initial weights on the same rows, with a remedy."""
    scenario = json.loads(json.dumps(answer["scenario"]))
    scenario["name"] = f"{name}_{remedy['remedy'] if remedy else 'plain'}_{seed}"
    scenario["seed"] = seed
    scenario["network"]["fusion_layer"] = scenario["network"]["depth"]
    scenario["flow"]["until"]["time"] = 2 * answer["layers"][-1]["t_end"]
    if remedy:
        value = remedy["value"]
        scenario["remedy"] = {remedy["remedy"]: value if isinstance(value, dict) else {"alpha": value}}
    # Beside the diagnosis, whose scenario has paths relative to it.
    file = folder / "diagnoses" / name / f"{scenario['name']}.yaml"
    file.write_text(json.dumps(scenario))
    return call(folder, "run", str(file), "--out", "runs")["phase"]["ratio"]


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: python3 docs/diagnose.py FOLDER [NAME...]")
    folder = Path(sys.argv[1]).resolve()
    for name in sys.argv[2:] or [*OPTIONS, "draws"]:
        if name == "draws":
            fill(PAGE, {name: draws(folder)})
            continue
        answer = call(folder, "diagnose", *OPTIONS[name], "--name", name, "--out", "diagnoses")
        own = known(*SETS[name](folder))
        parts = [command_of(name), verdict(folder, name), modalities(answer, own), verdicts(answer, own), advice(name, answer, folder)]
        fill(PAGE, {name: "\n\n".join(parts)})
        print(f"docs/diagnose.md: {name}", flush=True)


if __name__ == "__main__":
    main()
