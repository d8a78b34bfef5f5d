"""Sweeps at once, and cell by cell: the bytes of the command's table."""

import pickle
import random
from pathlib import Path

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
