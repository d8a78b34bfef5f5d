"""Diagnoses against the command."""

import json
import pickle
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import modalflow as mf

QUICK = dict(depth=2, width=6, init_std=1e-3, learning_rate=0.01, batch=10, resamples=20, divisions=3)
WORDS = [word for key, value in QUICK.items() for word in (f"--{key.replace('_', '-')}", value)]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(4)
    audio, video = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    return dict(audio=audio, video=video, target=audio[:, 0] + 0.5 * video[:, 1])


def written(folder):
    found = json.loads((folder / "diagnosis.json").read_text())
    del found["provenance"]
    return found


def test_a_file_has_the_bytes_of_the_command(command):
    folder = command("diagnose", "scenarios/diabetes.yaml", *WORDS, "--svg", "--quiet") / "diabetes"
    found = mf.diagnose("scenarios/diabetes.yaml", **QUICK)
    expected, own = written(folder), found.to_dict()
    # The path of the table is relative to where each stands.
    for diagnosis in (expected, own):
        del diagnosis["scenario"]["data"]["table"]["path"]
    assert json.dumps(own) == json.dumps(expected)
    for format in ("png", "svg"):
        assert found.plot(format) == (folder / f"diagnosis.{format}").read_bytes()
    page = (folder / "diagnosis.md").read_text()
    assert found.to_markdown().split("## The scenario")[0] == page.split("## The scenario")[0]


def test_arrays_have_the_bytes_of_the_command(arrays, tmp_path, command):
    files = {name: tmp_path / f"{name}.npy" for name in arrays}
    for name, array in arrays.items():
        np.save(files[name], array)
    words = [f"--modality={name}={files[name]}" for name in ("audio", "video")]
    folder = (
        command("diagnose", *words, "--target", files["target"], "--holdout", 0.25, *WORDS) / "diagnosis"
    )
    found = mf.diagnose(data=mf.Data(**arrays), holdout=0.25, **QUICK)
    expected, own = written(folder), found.to_dict()
    for diagnosis in (expected, own):
        assert diagnosis["scenario"].pop("data")["arrays"]["holdout"] == 0.25
    assert json.dumps(own) == json.dumps(expected)
    assert found.plot() == (folder / "diagnosis.png").read_bytes()


def test_results_are_attributes_a_page_and_a_pickle(arrays):
    found = mf.diagnose(data=mf.Data(**arrays), **QUICK)
    assert found.first.name == "audio" and not found.superficial.verdict
    assert [layer.fusion_layer for layer in found.layers] == [1, 2]
    assert found.rows.used == 60 and found.scenario.to_yaml().startswith("name: diagnosis\n")
    assert repr(found).startswith("diagnosis\n\n  audio is learned first")
    page = found._repr_markdown_()
    assert page.startswith("# Diagnosis of diagnosis\n\n- audio is learned first")
    assert "](data:image/png;base64," in page and "diagnosis.png" not in page
    copy = pickle.loads(pickle.dumps(found))
    assert copy.to_dict() == found.to_dict() and copy.plot("svg") == found.plot("svg")


@pytest.mark.parametrize(
    ("options", "key", "problem"),
    [
        (dict(resamples=3), "resamples", "3 is out of range"),
        (dict(divisions=2), "divisions", "2 is out of range"),
        (dict(depth=1), "network.depth", "no fusion layers"),
        (dict(batch=10), "descent.learning_rate", "missing"),
        (dict(activation="cube"), "network.activation", "cube"),
        (dict(data=None), "data", "missing"),
    ],
)
def test_what_cannot_be_diagnosed(arrays, options, key, problem):
    with pytest.raises(mf.ScenarioError, match=problem) as caught:
        mf.diagnose(**{"data": mf.Data(**arrays), **options})
    assert caught.value.key == key


def workers():
    """The threads of this process that compute, those that wait for more of it included."""
    names = (task / "comm" for task in Path("/proc/self/task").iterdir())
    return [name for name in names if name.exists() and name.read_text() == "modalflow\n"]


@pytest.mark.skipif(sys.platform != "linux", reason="threads are looked at in /proc")
def test_an_interrupt_ends_the_computation_too(arrays):
    def interrupt():
        seen.append(len(workers()))
        signal.raise_signal(signal.SIGINT)

    seen = []
    # The threads that share the work stay, and have the name of the one that first asked for them.
    mf.diagnose(data=mf.Data(**arrays), **QUICK)
    waiting = len(workers())
    # A hundred thousand halves, and flows of hours after them.
    endless = {"flow.until.time": 1e9, "flow.method": "dopri5", "flow.reduction": "off"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            mf.diagnose(data=mf.Data(**arrays), resamples=100_000, set=endless)
        timer.join()
        # It was at work when the signal came, and its thread ends; the limit is for one that does not.
        deadline = time.monotonic() + 60
        while len(workers()) > waiting and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [waiting + 1] and len(workers()) == waiting
