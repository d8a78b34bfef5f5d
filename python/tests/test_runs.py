"""Runs against the command and against reference numbers."""

import json
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import modalflow as mf

SHIPPED = sorted(path.name for path in (Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
NONLINEAR = [f"nonlinear/{name}.yaml" for name in ("xor_late", "late_fusion_adam", "late_fusion_batch")]
TWO_LAYERS = dict(
    data=dict(toy=dict(sigma=dict(A=2.0, B=1.0), target=dict(A=1.0, B=1.0))),
    network=dict(depth=2, fusion_layer=2, width=100),
    init=dict(gaussian=dict(std=1e-6)),
    flow=dict(until=dict(time=20.0)),
)


@pytest.mark.filterwarnings("ignore::modalflow.ScenarioWarning")
@pytest.mark.parametrize("name", SHIPPED + NONLINEAR)
def test_a_shipped_scenario_has_the_bytes_of_the_command(name, command):
    folder = command("run", f"scenarios/{name}", "--quiet") / Path(name).stem
    expected = json.loads((folder / "summary.json").read_text())
    del expected["provenance"]
    run = mf.run(f"scenarios/{name}")
    found = run.summary
    # Paths of files are relative to where each stands.
    for summary in (expected, found):
        summary["scenario"]["data"].pop("table", None)
        summary["scenario"]["data"].pop("arrays", None)
    assert json.dumps(found) == json.dumps(expected)
    assert run.trajectory.to_csv() == (folder / "trajectory.csv").read_bytes()
    if (folder / "descent.csv").exists():
        assert run.descents.to_csv() == (folder / "descent.csv").read_bytes()
    assert run.plot() == (folder / "overview.png").read_bytes()


def test_late_fusion_has_its_reference_numbers():
    """The numbers of tests/golden.rs."""
    run = mf.run("scenarios/late_fusion.yaml")
    assert run.phase.t_first == pytest.approx(2.979337, rel=1e-6)
    assert run.phase.t_second == pytest.approx(11.85018, rel=1e-6)
    assert run.theory.ratio == 4.0
    assert [d.steps for d in run.descent] == [250, 500, 1000, 2000]


def test_keywords_are_the_keys_of_the_file():
    run = mf.run(name="late_fusion", seed=1, **TWO_LAYERS)
    file = mf.run("scenarios/late_fusion.yaml", set={"descent": None})
    assert run.phase == file.phase
    assert mf.from_yaml(run.scenario.to_yaml()) == run.scenario


def test_results_pickle():
    run = mf.run(**TWO_LAYERS)
    copy = pickle.loads(pickle.dumps(run))
    assert copy.summary == run.summary
    assert copy.plot() == run.plot()
    assert copy.trajectory.to_csv() == run.trajectory.to_csv()
    for name, weights in run.weights("final").items():
        assert np.array_equal(weights, copy.weights("final")[name])


def test_tables_are_columns():
    pandas = pytest.importorskip("pandas")
    trajectory = mf.run(**TWO_LAYERS).trajectory
    frame = trajectory.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 500
    assert trajectory["t"][-1] == 20.0 and trajectory["loss"][0] == pytest.approx(2.5)


def test_a_mistake_is_an_error_with_key_and_help():
    with pytest.raises(mf.ScenarioError) as caught:
        mf.run(data=dict(toy=dict(sgima=dict(A=2.0))))
    assert caught.value.key == "data.toy.sgima"
    assert caught.value.help == "did you mean sigma?"
    assert caught.value.file is None
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.key) == (str(caught.value), caught.value.key)
    with pytest.raises(ValueError, match="no such file"):
        mf.run("absent.yaml")
    with pytest.raises(mf.ScenarioError, match="output: a scenario cannot hold"):
        mf.run(**TWO_LAYERS, output=object())


def test_arrays_in_memory_are_those_of_a_file(tmp_path, command):
    rng = np.random.default_rng(1)
    audio, video = rng.normal(size=(60, 3)), rng.normal(size=(60, 2)).astype(np.float32)
    target = audio[:, 0] + 0.3 * video[:, 1]
    run = mf.run(
        data=mf.Data(audio=audio, video=video, target=target, holdout=0.2),
        network=dict(depth=2, fusion_layer=2, width=10),
        init=dict(gaussian_norm=dict(norm=0.01)),
        flow=dict(until=dict(time=100)),
    )
    file = run.scenario.save(tmp_path / "saved")
    folder = command("run", file, "--quiet") / "scenario"
    expected = json.loads((folder / "summary.json").read_text())
    assert expected["phase"] == run.summary["phase"]
    assert expected["data"] == run.summary["data"]
    assert run.trajectory.to_csv() == (folder / "trajectory.csv").read_bytes()


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        (dict(A=np.ones((3, 1, 1)), target=np.ones(3)), "dimensions"),
        (dict(A=np.array([1.0, np.nan, 2.0]), target=np.arange(3.0)), r"\[1, 0\] is NaN"),
        (dict(A=np.arange(3.0), target=np.arange(4.0)), "4 rows"),
        (dict(A=np.arange(3.0)), "target"),
        (dict(A=np.arange(3.0), target=np.arange(3.0), holdot=0.2), "no array of samples"),
        (dict(A=["a", "b"], target=np.arange(2.0)), "elements of type"),
    ],
)
def test_arrays_that_cannot_be_used(arrays, problem):
    with pytest.raises(mf.ScenarioError, match=problem):
        mf.run(
            data=mf.Data(**arrays),
            network=dict(depth=2, fusion_layer=2, width=10),
            init=dict(gaussian_norm=dict(norm=0.01)),
            flow=dict(until=dict(time=1)),
        )


class Stream:
    """Speaks Arrow's stream interface and nothing else."""

    def __init__(self, of):
        self._of = of

    def __arrow_c_stream__(self, requested_schema=None):
        return self._of.__arrow_c_stream__(requested_schema)


class Batch:
    """Speaks Arrow's array interface and nothing else."""

    def __init__(self, of):
        self._of = of

    def __arrow_c_array__(self, requested_schema=None):
        return self._of.__arrow_c_array__(requested_schema)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "stream", "batch"])
def test_tables_of_other_libraries_are_arrays(library):
    pyarrow, polars = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    pandas = pytest.importorskip("pandas")
    x = np.random.default_rng(5).normal(size=(20, 2))
    columns, label = {"a": x[:, 0], "b": x[:, 1]}, [*"abba"] * 5
    frame = {
        "pandas": lambda: (pandas.DataFrame(columns), pandas.Series(x[:, 0]), pandas.Categorical(label)),
        "polars": lambda: (polars.DataFrame(columns), polars.Series(x[:, 0]), polars.Series(label)),
        "pyarrow": lambda: (pyarrow.table(columns), pyarrow.array(x[:, 0]), pyarrow.array(label)),
        "stream": lambda: map(
            Stream, (polars.DataFrame(columns), polars.Series(x[:, 0]), polars.Series(label))
        ),
        "batch": lambda: map(
            Batch, (pyarrow.record_batch(columns), pyarrow.array(x[:, 0]), pyarrow.array(label))
        ),
    }
    table, vector, classes = frame[library]()
    found = mf.Data(A=table, B=vector, label=classes).arrays
    expected = mf.Data(A=x, B=x[:, :1], label=label).arrays
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array) and found[name].shape == array.shape


@pytest.mark.parametrize(
    "label",
    [
        [1, 2, None],
        [1.0, np.nan, 2.0],
        ["a", None, "b"],
        ["a", float("nan"), "b"],
        np.ma.masked_equal([1, 2, 3], 2),
    ],
)
def test_a_missing_label_is_refused(label):
    with pytest.raises(mf.ScenarioError, match="a label is missing"):
        mf.Data(A=np.arange(3.0), label=label)


@pytest.mark.parametrize("label", [[np.inf, 1.0], [1e300, 1.0], [0.5, 1.0], [b"\xff", b"a"]])
def test_what_is_no_label(label):
    with pytest.raises(mf.ScenarioError) as caught:
        mf.Data(A=np.arange(2.0), label=label)
    assert caught.value.key == "data.arrays.label"


def test_frames_of_several_types_are_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [1.5, 2.5], "sex": [True, False]})
    frame["nullable"] = pandas.array([3.0, 4.0], dtype="Float64")
    assert np.array_equal(mf.Data(A=frame, target=[1.0, 2.0]).arrays["A"], [[1.5, 1, 3], [2.5, 0, 4]])
    frame["nullable"] = pandas.array([3.0, None], dtype="Float64")
    assert np.isnan(mf.Data(A=frame, target=[1.0, 2.0]).arrays["A"][1, 2])
    with pytest.raises(mf.ScenarioError, match="elements of type object"):
        mf.Data(A=frame.assign(age=["1", "2"]), target=[1.0, 2.0])


def test_results_are_read_only():
    run = mf.run(**TWO_LAYERS)
    for array in (run.trajectory["loss"], run.weights()["A.1"]):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0.0


def test_labels_are_classes():
    x = np.random.default_rng(0).normal(size=(30, 4))
    found = [
        mf.theory(
            data=mf.Data(A=x[:, :2], B=x[:, 2:], label=label),
            network=dict(depth=2, fusion_layer=2, width=10),
            init=dict(gaussian_norm=dict(norm=0.01)),
            flow=dict(until=dict(time=1)),
        ).data
        for label in (
            np.arange(30) % 3,
            np.array(list("abc") * 10),
            (np.arange(30) % 3) * 1.0,
            [0, 1.0, np.int8(2)] * 10,
        )
    ]
    assert all(data == found[0] for data in found) and found[0].outputs == 3


def test_rate_is_minus_the_gradient_and_hessian_its_derivative():
    problem = mf.Problem(**TWO_LAYERS, set={"network.width": 3, "init.gaussian.std": 0.3})
    w, rng, step = problem.weights, np.random.default_rng(2), 1e-5
    v = rng.normal(size=len(problem))
    slope = (problem.loss(w + step * v) - problem.loss(w - step * v)) / (2 * step)
    assert slope == pytest.approx(-problem.rate(w) @ v, rel=1e-6)
    bend = -(problem.rate(w + step * v) - problem.rate(w - step * v)) / (2 * step)
    np.testing.assert_allclose(problem.hessian_product(w, v), bend, rtol=1e-6, atol=1e-8)
    out = np.empty_like(w)
    assert problem.rate(w, out) is out and np.array_equal(out, problem.rate(w))
    flat = [layer.ravel(order="F") for layer in problem.layers(w).values()]
    assert np.array_equal(np.concatenate(flat), w)
    with pytest.raises(ValueError, match="w has .* entries, the network"):
        problem.rate(w[1:])
    for vector in (w.tolist(), w.astype(np.float32), w[None], np.repeat(w, 2)[::2]):
        with pytest.raises(TypeError, match="v is no contiguous vector of 64-bit floats"):
            problem.hessian_product(w, vector)
    with pytest.raises(ValueError, match="out is being written to"):
        problem.rate(out, out)
    out.setflags(write=False)
    with pytest.raises(ValueError, match="out cannot be written to"):
        problem.rate(w, out)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_ends_a_run_within_a_second():
    # A process in the background starts with the signal ignored.
    code = """
import signal
import modalflow as mf
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
try:
    mf.run("scenarios/late_fusion.yaml", set={"network.width": 3000, "flow.method": "dopri5",
           "flow.reduction": "off", "flow.until.time": 1e6})
except KeyboardInterrupt:
    print("interrupted")
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    words, _ = child.communicate(timeout=10)
    assert words == "interrupted\n"


def test_the_vocabulary_is_that_of_the_schema():
    from modalflow import _core, _data, _scenario

    schema = json.loads(_core.schema())
    assert set(_scenario.Keys.__annotations__) == set(schema["properties"])
    arrays = schema["$defs"]["ArraysData"]["properties"]
    assert set(arrays) == {"modalities", "target", "label", *_data.OPTIONS}


def test_the_crates_are_the_ones_of_the_program():
    """The same versions of everything that computes: the same bytes."""

    def versions(path):
        parts = Path(path).read_text().split("[[package]]")[1:]
        lines = (part.strip().splitlines() for part in parts)
        return {tuple(line.split('"')[1] for line in part[:2]) for part in lines}

    own = {"modalflow-python", "ndarray", "numpy", "portable-atomic-util", "rustc-hash"}
    own |= {"self_cell", "target-lexicon"}
    more = versions("python/Cargo.lock") - versions("Cargo.lock")
    assert {name for name, _ in more if not name.startswith("pyo3")} <= own
