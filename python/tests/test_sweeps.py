"""Sweeps at once, and cell by cell: the bytes of the command's table."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest

import modalflow as mf


@pytest.mark.parametrize("file", ["paper/two_layer", "nonlinear/sweeps/relu_two_layer"])
def test_a_sweep_has_the_bytes_of_the_command(file, command):
    path = f"scenarios/{file}.yaml"
    folder = command("sweep", path, "--quiet") / Path(path).stem
    expected = (folder / "sweep.csv").read_bytes()
    sweep = mf.Sweep(path)
    assert sweep.run().to_csv() == expected
    rows = [pickle.loads(pickle.dumps(mf.run_cell(cell))) for cell in sweep.cells()]
    random.Random(0).shuffle(rows)
    assert mf.collect(rows).to_csv() == expected


def test_over_is_a_section():
    sweep = mf.Sweep(
        "scenarios/late_fusion.yaml",
        over={"data.toy.rho": [0.0, 0.5], ("network.depth", "network.fusion_layer"): [(2, 2), (3, 1)]},
        repeats=2,
    )
    assert len(sweep) == 8
    assert sweep.cells()[3].values["network.fusion_layer"] == "1"
    table = sweep.run(jobs=1)
    assert list(table["repeat"]) == [0, 1] * 4
    assert pickle.loads(pickle.dumps(sweep.cells()[3])).values == sweep.cells()[3].values


def test_rows_that_do_not_belong_together():
    one = mf.Sweep("scenarios/late_fusion.yaml", over={"data.toy.rho": [0.0, 0.5]})
    two = mf.Sweep("scenarios/late_fusion.yaml", over={"data.toy.rho": [0.1, 0.5]})
    rows = [mf.run_cell(cell) for cell in (*one.cells(), *two.cells())]
    with pytest.raises(ValueError, match="more than one"):
        mf.collect(rows)
    with pytest.raises(ValueError, match="1 of 2 cells are missing, the first is 1"):
        mf.collect(rows[:1])
    with pytest.raises(ValueError, match="no rows"):
        mf.collect([])


def test_rows_of_other_arrays_are_of_another_sweep():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    network = dict(
        network=dict(depth=2, fusion_layer=2, width=5),
        init=dict(gaussian_norm=dict(norm=0.01)),
        flow=dict(until=dict(time=5.0)),
    )

    def of(target):
        data = mf.Data(A=x[:, :1], B=x[:, 1:2], target=target)
        return mf.Sweep(data=data, over={"seed": [0, 1]}, **network)

    sweep, same, other = of(x[:, 2]), of(x[:, 2].copy()), of(-x[:, 2])
    first, second = (mf.run_cell(sweep.cells()[0]), mf.run_cell(sweep.cells()[1]))
    collected = mf.collect([first, mf.run_cell(pickle.loads(pickle.dumps(same.cells()[1])))])
    assert collected == mf.collect([second, first]) == sweep.run()
    with pytest.raises(ValueError, match="more than one"):
        mf.collect([first, mf.run_cell(other.cells()[1])])


def test_rows_of_another_file_are_of_another_sweep(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for folder in ("one", "two", "three"):
        x = rng.normal(size=(40, 3)) if folder != "two" else x  # noqa: F821
        (tmp_path / folder).mkdir()
        np.savetxt(tmp_path / folder / "x.csv", x, delimiter=",", header="a,b,y", comments="")
        table = dict(path=tmp_path / folder / "x.csv", modalities=dict(A=["a"], B=["b"]), targets=["y"])
        sweep = mf.Sweep(
            data=dict(table=table),
            network=dict(depth=2, fusion_layer=2, width=5),
            init=dict(gaussian_norm=dict(norm=0.01)),
            flow=dict(until=dict(time=5.0)),
            over={"seed": [0, 1]},
        )
        rows.append([mf.run_cell(cell) for cell in sweep.cells()])
    # The same numbers in another folder are the same data.
    assert mf.collect([rows[0][0], rows[1][1]]).rows == 2
    with pytest.raises(ValueError, match="more than one"):
        mf.collect([rows[0][0], rows[2][1]])


def test_rows_of_data_that_changed_are_of_another_sweep():
    x = np.random.default_rng(0).normal(size=(40, 3))
    sweep = mf.Sweep(
        data=mf.Data(A=x[:, :1], B=x[:, 1:2], target=x[:, 2]),
        network=dict(depth=2, fusion_layer=2, width=5),
        init=dict(gaussian_norm=dict(norm=0.01)),
        flow=dict(until=dict(time=5.0)),
        over={"seed": [0, 1]},
    )
    data = sweep.scenario.data.arrays["target"]
    first = mf.run_cell(sweep.cells()[0])
    data *= 2.0
    with pytest.raises(ValueError, match="more than one"):
        mf.collect([first, mf.run_cell(sweep.cells()[1])])


def test_a_file_of_an_axis_that_is_not_there(tmp_path):
    for name in ("a", "b", "y"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 2)))
    modalities = dict(A=tmp_path / "a.npy", B=tmp_path / "b.npy")
    scenario = mf.Scenario(
        data=dict(arrays=dict(modalities=modalities, target=tmp_path / "y.npy")),
        network=dict(depth=2, fusion_layer=2, width=5),
        init=dict(gaussian_norm=dict(norm=0.01)),
        flow=dict(until=dict(time=5.0)),
    )
    with pytest.raises(mf.ScenarioError, match="absent.npy cannot be read"):
        mf.Sweep(scenario, over={"data.arrays.target": [tmp_path / "y.npy", tmp_path / "absent.npy"]})


def test_a_column_of_texts_is_one_in_every_table():
    table = mf.sweep("scenarios/late_fusion.yaml", over={"data.toy.rho": [0.0]})
    assert list(table["reason"]) == [""] and list(table["first"]) == ["A"]


@pytest.mark.parametrize("index", [-1, 2, 2**70])
def test_there_is_no_cell_beyond_the_sweep(index):
    sweep = mf.Sweep("scenarios/late_fusion.yaml", over={"data.toy.rho": [0.0, 0.5]})
    with pytest.raises(IndexError, match="of a sweep of 2"):
        mf.Cell(sweep, index)


def test_over_keeps_repeats_and_leaves_figures_out():
    file = "scenarios/nonlinear/sweeps/relu_two_layer.yaml"
    own = mf.Sweep(file)
    assert "figure" in own.scenario.to_yaml()
    sweep = mf.Sweep(file, over={"network.width": [10, 20, 30]}, repeats=2)
    assert len(sweep) == 6 and "figure" not in sweep.scenario.to_yaml()
    again = mf.Sweep(sweep.scenario, over={"network.width": [10, 20]})
    assert len(again) == 4


@pytest.mark.parametrize(
    "over",
    [
        {"data.toy.rho": 0.5},
        {"data.toy.rho": "0.5"},
        {("data.toy.rho", "seed"): [1, 2]},
        {("data.toy.rho", "seed"): [(0.5, 1), (0.5,)]},
        ["data.toy.rho"],
        {("data.toy.rho", "seed"): [list(range(100_000))]},
    ],
)
def test_an_axis_that_is_none(over):
    with pytest.raises(mf.ScenarioError) as caught:
        mf.Sweep("scenarios/late_fusion.yaml", over=over)
    assert caught.value.key == "over" and "give" in caught.value.help
    assert len(str(caught.value)) < 500


def test_jobs_are_counted_from_one():
    sweep = mf.Sweep("scenarios/late_fusion.yaml", over={"data.toy.rho": [0.0]})
    for jobs in (-1, 0):
        with pytest.raises(mf.ScenarioError) as caught:
            sweep.run(jobs=jobs)
        assert caught.value.key == "jobs"
