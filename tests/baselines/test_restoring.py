"""Whole runs, tiny ones, that are damaged before they go on; or that fail while they save."""

import errno
import json
import os
import pickle
import shutil
import warnings

import numpy as np
import pytest
from ray.exceptions import RayActorError
from safetensors.numpy import load_file

import popgym
from popgym.baselines import tensorboard
from popgym.baselines.checkpoint_files import LEARNER_STATE, NEEDED, WEIGHTS, check_written
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.ppo.learner import PPOLearner
from popgym.baselines.train import resume
from popgym.runs import progress_file
from popgym.runs.errors import RunError, StorageError, TrainingDivergedError
from popgym.runs.folder import RunFolder
from popgym.runs.lock import locked
from tests.runs.specimens import SMALL

ENV = "PositionOnlyCartPoleEasy"  # ours: its episodes under way are part of a checkpoint
STEPS = 128  # of an iteration
NEWEST = "checkpoints/iteration-000003"
RECORD = ("manifest.json", "signature.json", "config.json", "progress.csv")


def train(path, iterations, **settings):
    options = {**SMALL, "progress": False, "steps": iterations * STEPS, "checkpoint_every": 1}
    return popgym.train(ENV, "gru", out=path, **{**options, **settings})


def go_on(path, **options):
    return resume(path, steps=5 * STEPS, progress=False, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of three iterations, and the same run of five."""
    path = tmp_path_factory.mktemp("runs")
    return train(path / "three", 3).path, train(path / "five", 5).path


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "run")


def assert_same_as_uninterrupted(run, trained):
    rows = [
        [{**row, "seconds": None} for row in RunFolder.open(path).rows()]
        for path in (run, trained[1])
    ]
    assert rows[0] == rows[1]
    one, other = (load_file(path / "policy" / "weights.safetensors") for path in (run, trained[1]))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def of_an_earlier_version(run):
    for checkpoint in (run / "checkpoints").iterdir():
        for name in RECORD:
            (checkpoint / name).unlink(missing_ok=True)


def change_settings(run, **settings):
    """Changes settings in config.json; of a table, the entries given."""
    data = json.loads((run / "config.json").read_text())
    for name, value in settings.items():
        old = data["settings"][name]
        data["settings"][name] = {**old, **value} if isinstance(old, dict) else value
    (run / "config.json").write_text(json.dumps(data))


# ---- damaged checkpoints


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "damage"),
    [
        (lambda c: shutil.rmtree(c / "learner_group"), "learner_group/state.pkl is missing"),
        (lambda c: shutil.rmtree(c / "learner_group/learner"), "learner/state.pkl is missing"),
        (lambda c: flip_a_bit(c / "learner_group/learner/state.pkl"), "does not have the bytes"),
    ],
    ids=["group", "learner", "bit"],
)
def test_a_damaged_checkpoint_is_passed_over_and_training_is_repeated(run, trained, spoil, damage):
    spoil(run / NEWEST)
    with pytest.warns(
        UserWarning, match=rf"iteration-000003 is damaged \(.*{damage}.*\): .*000002"
    ):
        go_on(run)
    assert_same_as_uninterrupted(run, trained)
    assert (run / "checkpoints" / "damaged-iteration-000003").is_dir()


def test_if_all_checkpoints_are_damaged_nothing_is_changed(run):
    for checkpoint in (run / "checkpoints").iterdir():
        shutil.rmtree(checkpoint / "learner_group")
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != ".lock"}
    with pytest.raises(ValueError, match=r"has no checkpoint that is not damaged \(iteration-0"):
        go_on(run)
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != ".lock"}
    assert after == before


def test_a_checkpoint_of_an_earlier_version_is_taken_with_a_warning(run, trained):
    of_an_earlier_version(run)
    with pytest.warns(UserWarning, match="iteration-000003 was written by an earlier version"):
        go_on(run, trust=True)
    assert_same_as_uninterrupted(run, trained)


def test_one_of_an_earlier_version_without_its_learner_is_passed_over(run, trained):
    of_an_earlier_version(run)
    shutil.rmtree(run / NEWEST / "learner_group")
    with pytest.warns(UserWarning, match=r"iteration-000003 is damaged"):
        go_on(run, trust=True)
    assert_same_as_uninterrupted(run, trained)


# ---- a damaged progress.csv


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text(
            file.read_text() + "".join(file.read_text().splitlines(True)[1:])
        ),
    ],
    ids=["missing", "doubled"],
)
def test_rows_are_restored_from_the_checkpoint(run, trained, spoil):
    spoil(run / "progress.csv")
    with pytest.warns(UserWarning, match=r"progress\.csv .*: the rows up to iteration 3 are rest"):
        go_on(run)
    assert_same_as_uninterrupted(run, trained)


def test_what_is_as_it_was_written_is_resumed_without_a_word(run, trained):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        go_on(run)
    assert_same_as_uninterrupted(run, trained)


def test_lost_rows_without_a_copy_are_said(run):
    of_an_earlier_version(run)
    text = (run / "progress.csv").read_text()
    (run / "progress.csv").write_text("".join(text.splitlines(True)[:2]))
    with pytest.warns(UserWarning, match=r"progress\.csv lacks 2 rows: .* has no copy"):
        go_on(run, trust=True)
    assert [row["iteration"] for row in RunFolder.open(run).rows()] == [1, 4, 5]


@pytest.mark.parametrize("name", ["progress.csv", "checkpoints", "policy", "snapshots"])
def test_links_are_refused_and_what_they_lead_to_is_left_alone(run, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    if (run / name).exists():
        (run / name).rename(elsewhere)
    else:
        elsewhere.mkdir()
    (run / name).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*")), elsewhere.stat().st_mtime_ns
    with pytest.raises(ValueError, match=rf"{name} is a link to .*elsewhere, which is not"):
        go_on(run)
    assert (sorted(elsewhere.rglob("*")), elsewhere.stat().st_mtime_ns) == before


# ---- other settings than those of the checkpoint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": 0.5}, r"lr is 0\.5 there and 0\.001 in the checkpoint"),
        ({"seed": 7, "epochs": 3}, r"seed is 7 there and 0 in .*; epochs is 3 there and 2 in"),
        ({"env": "RepeatFirstEasy"}, f"env is 'RepeatFirstEasy' there and '{ENV}' in"),
        ({"memory": "mingru"}, "memory is 'mingru' there and 'gru' in"),
        (
            {"network": {"hidden_size": 8}},
            r"network is \{'hidden_size': 8\} there and \{'hidden_size': 16\} in the checkpoint",
        ),
    ],
    ids=str,
)
def test_settings_that_were_changed_are_named_with_both_values(run, settings, message):
    change_settings(run, **settings)
    with pytest.raises(ValueError, match=rf"another configuration than .*config\.json: {message}"):
        go_on(run)


def test_the_configuration_is_restored_by_the_copy_in_the_checkpoint(run, trained):
    change_settings(run, lr=0.5)
    with pytest.raises(ValueError, match=r"copy the checkpoint's config\.json over it"):
        go_on(run)
    shutil.copy(run / NEWEST / "config.json", run / "config.json")
    go_on(run)
    assert_same_as_uninterrupted(run, trained)


def test_steps_and_the_return_to_reach_may_be_changed(run):
    change_settings(run, steps=4 * STEPS, stop_at=99.0)
    assert len(resume(run, progress=False).rows) == 4


@pytest.mark.parametrize("settings", [{"memory": "lru"}, {"network": {"hidden_size": 8}}], ids=str)
def test_a_checkpoint_without_a_record_of_another_network_is_not_called_damaged(run, settings):
    of_an_earlier_version(run)
    change_settings(run, **settings)
    with pytest.raises(ValueError, match="belongs to another configuration") as caught:
        go_on(run, trust=True)
    message = str(caught.value)
    assert "damaged" not in message and "delete" not in message
    assert "of the weight net." in message and len(message) < 500


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RayActorError(), RunError, "a Ray actor was lost"),
        (MemoryError("no room"), ValueError, r"cannot be restored \(MemoryError: no room\), altho"),
    ],
    ids=["cluster", "other"],
)
def test_a_sound_checkpoint_that_cannot_be_restored_is_not_called_damaged(
    run, monkeypatch, error, kind, message
):
    def fail(*_):
        raise error

    monkeypatch.setattr(RecurrentPPO, "restore_from_path", fail)
    with pytest.raises(kind, match=message) as caught:
        go_on(run)
    assert "damaged" not in str(caught.value) and "delete" not in str(caught.value)
    assert RunFolder.open(run).settings.steps == 3 * STEPS, "nothing was changed"


def test_a_learner_that_keeps_its_fresh_weights_is_noticed(run, monkeypatch):
    """As a remote one does if it fails to restore: RLlib drops its error."""
    monkeypatch.setattr(RecurrentPPO, "restore_from_path", lambda *_: None)
    with pytest.raises(RunError, match=r"learner has not taken the weight net\..*; resume from it"):
        go_on(run)
    assert len(RunFolder.open(run).rows()) == 3


# ---- weights that are not finite


def test_weights_that_are_not_finite_are_not_saved(tmp_path, monkeypatch):
    original, calls = PPOLearner._clip_gradients, []

    def spoil_the_last(self):
        calls.append(1)
        if len(calls) == 8:  # two epochs of two minibatches in two iterations
            next(iter(self._params.values())).grad.fill_(float("nan"))
        original(self)

    monkeypatch.setattr(PPOLearner, "_clip_gradients", spoil_the_last)
    monkeypatch.setattr(PPOLearner, "_check_finite", lambda *_: None)  # so that saving has to
    with pytest.raises(TrainingDivergedError, match=r"after iteration 2, .* iteration 1 with"):
        train(tmp_path / "run", 3)
    folder = RunFolder.open(tmp_path / "run")
    assert [number for number, _ in folder.checkpoints.all()] == [1]
    assert popgym.load(folder.path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_an_earlier_version_saved_although_not_finite_are_refused(run, value):
    of_an_earlier_version(run)
    file = run / NEWEST / "learner_group/learner/rl_module/default_policy/module_state.pkl"
    state = pickle.loads(file.read_bytes())
    state["net.core.gru.bias_ih_l0"][3] = value
    file.write_bytes(pickle.dumps(state))
    with pytest.raises(ValueError, match="iteration-000003 has a weight that is not finite"):
        go_on(run, trust=True)


# ---- what a remote learner failed to write; RLlib drops its errors


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_was_not_written_is_named(run, name):
    check_written(run / NEWEST, remote=True)
    (run / NEWEST / name).unlink()
    with pytest.raises(OSError, match=f"{name} was not written"):
        check_written(run / NEWEST, remote=False)


@pytest.mark.parametrize("name", [LEARNER_STATE, WEIGHTS])
@pytest.mark.parametrize("size", [0, 1000])
def test_a_file_that_was_half_written_is_named(run, name, size):
    (run / NEWEST / name).write_bytes((run / NEWEST / name).read_bytes()[:size])
    with pytest.raises(OSError, match=f"{name} was not written to its end"):
        check_written(run / NEWEST, remote=True)


def test_a_checkpoint_without_its_learner_is_not_saved(tmp_path, monkeypatch):
    original = RecurrentPPO.save_to_path

    def without_learner(self, path):
        original(self, path)
        if self.iteration == 2:
            shutil.rmtree(f"{path}/learner_group/learner")

    monkeypatch.setattr(RecurrentPPO, "save_to_path", without_learner)
    with pytest.raises(StorageError, match=r"000002 \(.*was not written\): .*iteration 1 with"):
        train(tmp_path / "run", 3)


# ---- leftovers


def leave(run, *names):
    for name in names:
        (run / name).mkdir(parents=True)
    return [run / name for name in names]


def test_what_killed_saves_left_is_removed_when_the_run_goes_on(run):
    saves = leave(
        run, ".policy-abcd1234/old", "checkpoints/.iteration-000004-abcd1234/new/env_runner"
    )
    mine = leave(run, ".mine-abcd1234/new", "checkpoints/notes")
    with locked(run, "the run"), pytest.raises(ValueError, match="in use"):
        go_on(run)
    assert all(path.exists() for path in saves), "another process may be writing them"
    go_on(run)
    assert not any(path.exists() for path in saves)
    assert all(path.exists() for path in mine)


# ---- a full disk


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_at_a_checkpoint_keeps_the_one_before(tmp_path, monkeypatch):
    original = RecurrentPPO.save_to_path

    def half(self, path):
        original(self, path)
        if self.iteration == 3:
            full()

    monkeypatch.setattr(RecurrentPPO, "save_to_path", half)
    message = r"iteration-000003 \(No space left.*\): free some .* resume from iteration 2 with: po"
    with pytest.raises(StorageError, match=message):
        train(tmp_path / "run", 3)
    monkeypatch.undo()
    names = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert sorted(names) == ["iteration-000001", "iteration-000002"]
    assert len(go_on(tmp_path / "run").rows) == 5


def test_a_full_disk_at_a_row_names_the_file_and_the_way_on(tmp_path, monkeypatch, trained):
    def train_on(self):
        result = iterate(self)
        if self.iteration == 3:
            patch.setattr(progress_file.os, "fsync", full)
        return result

    iterate = RecurrentPPO.train
    with monkeypatch.context() as patch:
        patch.setattr(RecurrentPPO, "train", train_on)
        message = r"write .*progress\.csv \(No space.*unchanged; resume from iteration 2 with"
        with pytest.raises(StorageError, match=message):
            train(tmp_path / "run", 5)
    go_on(tmp_path / "run")
    assert_same_as_uninterrupted(tmp_path / "run", trained)


def test_a_full_disk_in_the_first_iteration_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(progress_file.ProgressFile, "append", full)
    with pytest.raises(StorageError, match=r"cannot write .*progress\.csv"):
        train(tmp_path / "run", 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["__init__", "write_event", "flush", "close"])
def test_trouble_with_tensorboard_never_ends_a_run(tmp_path, monkeypatch, method):
    monkeypatch.setattr(tensorboard.EventsWriter, method, full)
    with pytest.warns(UserWarning, match="no more events for TensorBoard .*No space") as caught:
        run = train(tmp_path / "run", 3)
    assert len(run.rows) == 3
    assert len([each for each in caught if "TensorBoard" in str(each.message)]) == 1


def test_a_curve_that_cannot_be_drawn_never_ends_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("popgym.baselines.loop.draw_curve", full)
    with pytest.warns(UserWarning, match=r"cannot write .*curve\.png \(No space"):
        run = train(tmp_path / "run", 1)
    assert run.folder.has_checkpoint
