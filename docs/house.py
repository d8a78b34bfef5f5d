#!/usr/bin/env python3
"""Measure the house: size, structure, build and run times of two revisions side by side, as the table of docs/architecture.md.

    python3 docs/house.py [OLD [NEW]]        revisions of this repository; by default 3e12faa and HEAD

Each revision is checked out and built in a folder of its own (Python 3.10, git, cargo; some minutes on two cores). Times are of
one run on an otherwise idle machine, those of the whole process the median of fifteen, both revisions in turn.
"""
import os, re, statistics, subprocess, sys, tempfile, time, tomllib

def shell(command, folder, **more):
    return subprocess.run(command, cwd=folder, shell=True, check=True, capture_output=True, text=True, **more)

def timed(command, folder):
    start = time.perf_counter()
    shell(command, folder)
    return time.perf_counter() - start

def sources(folder, *parts):
    roots = [os.path.join(folder, part) for part in (parts or ("src", "cli/src", "cli/build.rs", "build.rs"))]
    found = [root for root in roots if os.path.isfile(root)]
    for root in roots:
        found += [os.path.join(d, f) for d, _, files in os.walk(root) for f in files if f.endswith(".rs")]
    return sorted(found)

def lines(files):
    return sum(len(open(file, encoding="utf-8").readlines()) for file in files)

def long_functions(files, most=60):
    count = 0
    for file in files:
        text = open(file, encoding="utf-8").read().split("\n")
        for i, line in enumerate(text):
            start = re.match(r"(\s*)(pub(\([a-z :]+\))? )?(const )?fn \w+", line)
            if start and not line.rstrip().endswith(";"):
                end = next((j for j in range(i, len(text)) if text[j].rstrip() == start[1] + "}"), i)
                count += end - i + 1 > most
    return count

def dependencies(folder):
    return len(tomllib.load(open(os.path.join(folder, "Cargo.toml"), "rb"))["dependencies"])

def first(folder, *paths):
    return next(path for path in paths if os.path.exists(os.path.join(folder, path)))

def rebuild(folder, path):
    with open(os.path.join(folder, path), "a", encoding="utf-8") as file:
        file.write("\n// An edit.\n")
    return timed("cargo build --release --locked", folder)

def measure(folder):
    everything = sources(folder)
    drawing = sources(folder, "src/plot", "src/figures", "cli/src/plot", "cli/src/figures")
    modules = len(re.findall(r"^(?:pub )?mod \w+;", open(os.path.join(folder, "src/lib.rs")).read(), re.M))
    facts = {
        "lines of Rust in src and cli, inline tests included": lines(everything),
        "drawing (plot and figures)": lines(drawing),
        "modules at the library's top level": modules,
        "direct dependencies of the library": dependencies(folder),
        "functions over 60 lines": long_functions(everything),
        "release build, fresh": timed("cargo build --release --locked", folder),
    }
    plot = first(folder, "cli/src/plot/style.rs", "src/plot/style.rs")
    report = first(folder, "cli/src/report/format.rs", "src/report/format.rs")
    facts["rebuild after an edit in plot"] = rebuild(folder, plot)
    facts["rebuild after an edit in report"] = rebuild(folder, report)
    facts["rebuild after an edit in flow"] = rebuild(folder, "src/flow/mod.rs")
    shell("cargo test --release --locked --workspace --no-run", folder)
    facts["tests, running time"] = timed("cargo test --release --locked --workspace", folder)
    return facts

def whole_process(folders, runs=15):
    """Medians of the wall time of one run, the programs in turn."""
    command = "target/release/modalflow run scenarios/late_fusion.yaml --quiet --out {}"
    times = {folder: [] for folder in folders}
    with tempfile.TemporaryDirectory() as out:
        for _ in range(runs):
            for folder in folders:
                times[folder].append(timed(command.format(out), folder))
    return [statistics.median(times[folder]) for folder in folders]

def shown(value):
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.0f} s" if value >= 1 else f"{1000 * value:.0f} ms"

if __name__ == "__main__":
    revisions = (sys.argv[1:] + ["3e12faa", "HEAD"][len(sys.argv) - 1:])[:2]
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as scratch:
        folders = [os.path.join(scratch, side) for side in ("before", "after")]
        for folder, revision in zip(folders, revisions):
            shell(f"git clone --quiet --shared . {folder} && git -C {folder} checkout --quiet $(git rev-parse {revision})", top)
        before, after = [measure(folder) for folder in folders]
        name = "whole process, `run scenarios/late_fusion.yaml --quiet`"
        before[name], after[name] = whole_process(folders)
    print(f"| | {revisions[0]} | {revisions[1]} |\n|---|---|---|")
    for name in before:
        print(f"| {name} | {shown(before[name])} | {shown(after[name])} |")
