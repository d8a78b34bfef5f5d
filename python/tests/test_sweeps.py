"""Sweeps at once, cell by cell, and by other engines: the bytes of the command's table."""

import os
import pickle
import random
import signal

import pytest

import modalflow as mf

SWEEP = "scenarios/paper/two_layer.yaml"


@pytest.fixture
def expected(command):
    folder = command("sweep", SWEEP, "--quiet")
    return (folder / "two_layer" / "sweep.csv").read_bytes()


def test_a_sweep_has_the_bytes_of_the_command(expected):
    sweep = mf.Sweep(SWEEP)
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


def test_joblib(expected):
    joblib = pytest.importorskip("joblib")
    cells = mf.Sweep(SWEEP).cells()
    rows = joblib.Parallel(n_jobs=2)(joblib.delayed(mf.run_cell)(cell) for cell in cells)
    assert mf.collect(rows).to_csv() == expected


def test_dask_with_a_worker_that_is_killed(expected):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        rows = client.map(mf.run_cell, mf.Sweep(SWEEP).cells(), pure=False)
        distributed.wait(rows[:3])
        pids = client.run(os.getpid)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        table = mf.collect(client.gather(rows))
    assert table.to_csv() == expected
