"""What a notebook shows, progress, and what happens where the program fails."""

import os
import subprocess
import sys

import pytest

import modalflow as mf

RUN = dict(
    data=dict(toy=dict(sigma=dict(A=2.0, B=1.0), target=dict(A=1.0, B=1.0))),
    network=dict(depth=2, fusion_layer=2, width=10),
    init=dict(gaussian=dict(std=1e-6)),
    flow=dict(until=dict(time=20.0)),
)


def test_results_show_as_tables():
    run = mf.run(**RUN, description="A < B & C")
    shown = run._repr_html_()
    assert shown.startswith("<table><caption>scenario: time_reached</caption>")
    assert (
        f"<tr><th>ratio</th><td>{run.phase.ratio:.6g}</td><td>{run.theory.ratio:.6g}</td></tr>" in shown
    )
    assert f"  ratio           {run.phase.ratio:12.6g} {run.theory.ratio:12.6g}" in repr(run)
    table = run.trajectory._repr_html_()
    # The head, ten rows and how many there are.
    assert table.count("<tr>") == 11 and table.endswith("<p>500 rows</p>")
    assert "<th>map.A[0,0]</th>" in table
    assert "description: A &lt; B &amp; C" in run.scenario._repr_html_()
    assert run.plot()._repr_png_() == bytes(run.plot()) and run.plot()._repr_svg_() is None
    assert run.plot("loss", "svg")._repr_svg_().startswith("<svg")


class Bar:
    """Stands in for tqdm's; remembers what it was told."""

    made = []

    def __init__(self, **options):
        self.options, self.n, self.total, self.words = options, 0, options.get("total"), ""
        self.made.append(self)

    def update(self, more):
        self.n += more

    def set_postfix_str(self, words, refresh):
        self.words = words

    def close(self):
        self.is_closed = True


class Seen(Exception):
    """Ends a run that would never end."""


def test_a_sweep_tells_of_every_cell(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    mf.sweep(over={"data.toy.rho": [0.0, 0.5, 0.7]}, progress=True, **RUN)
    bar = Bar.made.pop()
    assert bar.n == bar.total == 3 and bar.is_closed


def test_a_run_tells_how_far_it_is_and_what_the_bar_raises_ends_it(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)

    def update(self, more):
        raise Seen(more)

    monkeypatch.setattr(Bar, "update", update)
    endless = {
        "network.width": 2000,
        "flow.method": "dopri5",
        "flow.reduction": "off",
        "flow.until.time": 1e9,
    }
    with pytest.raises(Seen):
        mf.run(**RUN, set=endless, progress=True)
    bar = Bar.made.pop()
    assert bar.words.startswith("flow, t = ") and bar.is_closed


def test_without_tqdm_there_is_no_bar(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert mf.run(**RUN, progress=True).phase.ratio == mf.run(**RUN).phase.ratio


def test_numpy_is_imported_by_what_needs_it():
    # It takes longer than all else: calls of the command and of theory go without.
    code = """
import sys
import modalflow as mf
mf.theory("scenarios/late_fusion.yaml")
print("numpy" in sys.modules)
mf.run("scenarios/late_fusion.yaml", set={"descent": None}).trajectory["t"]
print("numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\nTrue\n"


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory")
def test_a_panic_is_an_exception():
    # More threads than there is memory for: the library of threads panics.
    code = """
import resource
import numpy as np
import modalflow as mf
x = np.random.default_rng(0).normal(size=(30, 5))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (700 << 20),) * 2)
try:
    mf.diagnose(data=mf.Data(A=x[:, :2], B=x[:, 2:4], target=x[:, 4]), depth=2, width=4, resamples=20)
except RuntimeError as error:
    print(error)
"""
    words = [sys.executable, "-c", code]
    # Large stacks leave room for all else when there is none for another one.
    few = {"RAYON_NUM_THREADS": "100", "RUST_MIN_STACK": str(100 << 20)}
    done = subprocess.run(words, capture_output=True, text=True, env=few)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("modalflow failed, which it should not: The global thread pool")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_is_told_so():
    # Its threads are those of its parent, and not there.
    code = """
import os
import modalflow as mf
file = "scenarios/late_fusion.yaml"
run, problem = mf.run(file), mf.Problem(file)
w = problem.weights
calls = [run.plot, lambda: problem.rate(w), lambda: mf.theory(file)]
if os.fork() == 0:
    for call in calls:
        try:
            call()
        except RuntimeError as error:
            print(str(error)[:24], flush=True)
    os._exit(0)
os.wait()
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["this process was forked "] * 3, done.stderr
