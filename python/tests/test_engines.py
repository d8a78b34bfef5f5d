"""The recipes of docs/engines.md, as they stand there: the bytes of the command's table."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import modalflow as mf

PAGE = (Path(__file__).parents[2] / "docs/engines.md").read_text()
SWEEP = Path(__file__).parents[2] / "scenarios/paper/two_layer.yaml"


def recipe(heading):
    return PAGE.split(f"## {heading}\n")[1].split("```python\n")[1].split("```")[0]


@pytest.fixture
def expected(command):
    folder = command("sweep", SWEEP, "--quiet")
    return (folder / "two_layer" / "sweep.csv").read_bytes()


@pytest.fixture
def follow(monkeypatch, tmp_path):
    """Runs the text of a recipe in a folder of its own; gives back its names."""

    def call(text):
        monkeypatch.chdir(tmp_path)
        names = {"mf": mf, "sweep": mf.Sweep(SWEEP)}
        exec(text, names)
        return names

    return call


@pytest.fixture
def ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_the_recipes_begin_with_a_sweep():
    names = {}
    exec(PAGE.split("All recipes begin with\n\n```python\n")[1].split("```")[0], names)
    assert len(names["sweep"]) > 100


def test_joblib(follow, expected):
    pytest.importorskip("joblib")
    follow(recipe("joblib"))
    assert Path("sweep.csv").read_bytes() == expected


def test_multiprocessing(follow, expected):
    follow(recipe("multiprocessing").replace("Pool()", "Pool(2)"))
    assert Path("sweep.csv").read_bytes() == expected


def test_dask(follow, expected):
    pytest.importorskip("distributed")
    address = 'Client("tcp://scheduler:8786")'
    own = "Client(n_workers=2, threads_per_worker=1, dashboard_address=None)"
    assert address in recipe("Dask")
    names = follow(recipe("Dask").replace(address, own))
    names["client"].shutdown()
    assert Path("sweep.csv").read_bytes() == expected


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


def test_ray(ray, follow, expected):
    follow(recipe("Ray"))
    assert Path("sweep.csv").read_bytes() == expected


def test_ray_with_a_worker_that_is_killed(ray, tmp_path, expected):
    mark = tmp_path / "killed"

    def run_cell(cell):
        if cell.index == 50 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return mf.run_cell(cell)

    remote = ray.remote(run_cell)
    rows = ray.get([remote.remote(cell) for cell in mf.Sweep(SWEEP).cells()])
    assert mark.exists() and mf.collect(rows).to_csv() == expected


def test_optuna():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = {"mf": mf}
    exec(recipe("Optuna").replace("n_trials=50", "n_trials=5"), names)
    study = names["study"]
    norm = study.best_params["norm"]
    run = mf.run("scenarios/depth4_fusion3.yaml", set={"init.gaussian_norm.norm": norm})
    values = [trial.value for trial in study.trials if trial.value is not None]
    assert study.best_value == run.phase.ratio == min(values)


def test_snakemake(tmp_path, expected):
    pytest.importorskip("snakemake")
    (tmp_path / "Snakefile").write_text(recipe("Snakemake"))
    (tmp_path / "sweep.yaml").write_bytes(SWEEP.read_bytes())
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sweep.csv").read_bytes() == expected


def test_slurm(follow, expected, monkeypatch):
    """The tasks of a job array, one after the other."""
    rows = []
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "2")
    for task in range(2):
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", str(task))
        follow(recipe("Slurm"))
        rows += pickle.loads(Path(f"rows-{task}.pickle").read_bytes())
    assert mf.collect(rows).to_csv() == expected
