"""Scenarios as objects: what is read when, where paths lead, and what is written."""

import os
import pickle

import numpy as np
import pytest

import modalflow as mf

FILE = "scenarios/late_fusion.yaml"
NETWORK = dict(
    network=dict(depth=2, fusion_layer=2, width=5),
    init=dict(gaussian_norm=dict(norm=0.01)),
    flow=dict(until=dict(time=50.0)),
)
RNG = np.random.default_rng(2)
A, B = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
DATA = mf.Data(A=A, B=B, target=A[:, 0] + B[:, 0])


@pytest.fixture
def table(tmp_path):
    """A table in one folder, and another folder beside it."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    np.savetxt(tmp_path / "here/rows.csv", np.c_[A, B], delimiter=",", header="a,b,c,d", comments="")
    modalities = dict(A=["a", "b"], B=["c"])
    return dict(table=dict(path="rows.csv", modalities=modalities, targets=["d"]))


def test_a_file_is_read_once(tmp_path):
    file = tmp_path / "mine.yaml"
    with open(FILE) as shipped:
        file.write_text(shipped.read())
    scenario, sweep = mf.Scenario(file), mf.Sweep(file, over={"data.toy.rho": [0.0, 0.5]})
    expected, row = mf.theory(scenario).theory.ratio, mf.run_cell(sweep.cells()[0])
    file.write_text("no scenario")
    for same in (scenario, pickle.loads(pickle.dumps(scenario)), mf.Scenario(scenario, seed=1)):
        assert mf.theory(same).theory.ratio == expected == 4.0
    assert mf.run_cell(pickle.loads(pickle.dumps(sweep.cells()[0]))) == row
    # The name of the file goes on standing in messages.
    with pytest.raises(mf.ScenarioError) as caught:
        mf.Scenario(pickle.loads(pickle.dumps(scenario)), set={"flow.untl.time": 1.0})
    assert caught.value.file == str(file)


def test_paths_lead_to_the_same_file_from_everywhere(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "here")
    scenario = mf.Scenario(data=table, **NETWORK)
    sweep = mf.Sweep(scenario, over={"seed": [0, 1]})
    expected = mf.theory(scenario).theory.ratio
    text = pickle.dumps(scenario)
    monkeypatch.chdir(tmp_path / "there")
    assert mf.theory(scenario).theory.ratio == expected
    assert mf.theory(scenario, seed=3).theory.ratio == expected
    assert mf.theory(pickle.loads(text)).theory.ratio == expected
    assert mf.theory(scenario.save("saved")).theory.ratio == expected
    assert pickle.loads(text) == scenario
    for cell in (sweep.cells()[1], pickle.loads(pickle.dumps(sweep.cells()[1]))):
        assert mf.run_cell(cell)["outcome"] == "time_reached"


def test_a_scenario_with_arrays_comes_back_from_its_text():
    scenario = mf.Scenario(data=DATA, **NETWORK)
    assert "A: arrays.npz#A" in scenario.to_yaml()
    again = mf.from_yaml(scenario.to_yaml(), data=scenario.data)
    assert again == scenario == pickle.loads(pickle.dumps(scenario))
    other = mf.Data(A=A, B=B + 1.0, target=A[:, 0] + B[:, 0])
    assert mf.Scenario(data=other, **NETWORK) != scenario
    # Another source takes the place of the arrays.
    toy = dict(toy=dict(sigma=dict(A=2.0, B=1.0), target=dict(A=1.0, B=1.0)))
    for other in (mf.Scenario(scenario, data=toy), mf.Scenario(scenario, set={"data": toy})):
        assert other.data is None and mf.theory(other).theory.ratio == 4.0


def test_none_removes_a_key_that_stands_there():
    assert "descent" in mf.Scenario(FILE).to_yaml()
    assert "descent" not in mf.Scenario(FILE, descent=None).to_yaml()
    assert "descent" not in mf.Scenario(FILE, set={"descent": None}).to_yaml()
    assert "descent" not in mf.Scenario(data=DATA, descent=None, **NETWORK).to_yaml()
    toy = dict(sigma=dict(A=2.0, B=1.0), target=dict(A=1.0, B=1.0))
    without, left_out = (mf.Scenario(FILE, data=dict(toy=t)) for t in (toy, toy | dict(noise=None)))
    assert left_out == without


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path):
    scenario = mf.Scenario(data=DATA, **NETWORK)
    (tmp_path / "arrays.npz").mkdir()
    with pytest.raises(OSError):
        scenario.save(tmp_path)
    assert os.listdir(tmp_path) == ["arrays.npz"]


def test_a_masked_number_is_missing():
    masked = np.ma.masked_greater(A, 1.0)
    with pytest.raises(mf.ScenarioError, match="is NaN") as caught:
        mf.theory(data=mf.Data(A=masked, B=B, target=A[:, 0]), **NETWORK)
    assert (caught.value.key, caught.value.file) == ("data.arrays.modalities.A", None)
    assert np.shares_memory(mf.Data(A=np.ma.masked_array(A), target=B).arrays["A"], A)


def test_modalities_may_be_called_like_the_arguments_of_others(tmp_path):
    for name in ("file", "allow_pickle", "set"):
        scenario = mf.Scenario(data=mf.Data({name: A, "B": B}, target=A[:, 0]), **NETWORK)
        assert mf.theory(scenario.save(tmp_path / name)).data == mf.theory(scenario).data


def test_a_text_with_data_of_its_own_takes_no_arrays():
    with pytest.raises(mf.ScenarioError, match="data of its own"):
        mf.from_yaml(mf.Scenario(FILE).to_yaml(), data=DATA)


def test_texts_come_back_as_they_are():
    words = "a\u2028b\x85c\x7f \U0001f600 d"
    assert words in str(mf.run(FILE, description=words).summary["scenario"]["description"])


def test_what_is_written_takes_the_place_of_a_file_alone(tmp_path):
    table = mf.run(FILE, descent=None).trajectory
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    table.to_csv(tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == table.to_csv()
    with pytest.raises(FileNotFoundError, match="absent"):
        table.to_csv(tmp_path / "absent" / "x.csv")


@pytest.mark.parametrize("source", [DATA, A, 3])
def test_what_is_no_scenario(source):
    with pytest.raises(mf.ScenarioError, match="is no scenario") as caught:
        mf.run(source, **NETWORK)
    assert "mf.Data" in caught.value.help


@pytest.mark.parametrize("source", ["-", "data:\n  toy: {}\n"])
def test_a_text_is_no_path(source):
    with pytest.raises(mf.ScenarioError, match="mf.from_yaml"):
        mf.run(source)


def test_messages_show_the_beginning_of_long_values():
    with pytest.raises(mf.ScenarioError) as caught:
        mf.Scenario(FILE, set={"network.widths": list(range(5000))})
    assert "from network.widths=[0, 1, 2" in str(caught.value)
    assert len(str(caught.value)) < 1000 and "from --set" not in str(caught.value)


def test_a_run_that_failed_says_so():
    with pytest.warns(mf.ScenarioWarning, match="limit of steps"):
        run = mf.run(FILE, set={"flow.max_steps": 10, "descent": None})
    assert "limit of steps" in repr(run) and "limit of steps" in run._repr_html_()
    assert pickle.loads(pickle.dumps(run)).failure == run.failure
    assert mf.run(FILE).failure is None
