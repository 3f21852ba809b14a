import errno
import json

import numpy as np
import pytest
import torch

from popgym.runs import progress_file
from popgym.runs.errors import RunError
from popgym.runs.finite import not_finite
from popgym.runs.folder import RunFolder, load
from popgym.runs.policy import load_policy
from tests.runs.specimens import policy, row, settings


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(settings(), tmp_path / "run")


def fill(run, *iterations):
    """Pretends that a run saved checkpoints after these iterations."""
    for iteration in iterations:
        with run.checkpoint(iteration) as path:
            path.mkdir()


# ---- making and opening


def test_a_run_folder_records_settings_versions_and_time(run):
    data = json.loads((run.path / "config.json").read_text())
    assert data["settings"]["env"] == "RepeatPreviousEasy"
    assert {"python", "torch", "ray", "gymnasium", "numpy"} <= data["versions"].keys()
    assert data["created"].startswith("20")
    assert RunFolder.open(run.path).settings == run.settings


def test_names_of_new_folders_are_taken_from_the_run_and_never_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [RunFolder.create(settings("my.worlds:World", memory="a.b:Mine")) for _ in range(3)]
    base = "World-Mine-seed0"
    assert [run.path.name for run in runs] == [base, f"{base}-2", f"{base}-3"]
    assert RunFolder.create(settings("ALE/Pong-v5")).path.name == "ALE-Pong-v5-frameconv-seed0"


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ValueError, match="is not empty: name another --out"):
        RunFolder.create(settings(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_a_run_that_was_killed_before_its_first_checkpoint_is_refused_with_the_way_out(run):
    with pytest.raises(ValueError, match="ended before the first checkpoint: delete the folder"):
        RunFolder.create(settings(), run.path)
    with run.checkpoint(1) as path:
        path.mkdir()
    with pytest.raises(ValueError, match="is not empty: name another --out, or --resume it"):
        RunFolder.create(settings(), run.path)


@pytest.mark.parametrize("below", ["file", "file/run", "file/a/b"])
def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot write to .*file.*: choose another --out"):
        RunFolder.create(settings(), tmp_path / below)


def test_discarding_an_empty_run_removes_what_it_made_and_no_more(tmp_path):
    (tmp_path / "there").mkdir()
    RunFolder.create(settings(), tmp_path / "there").discard_if_empty()
    assert list((tmp_path / "there").iterdir()) == []
    RunFolder.create(settings(), tmp_path / "there" / "a" / "b").discard_if_empty()
    assert list((tmp_path / "there").iterdir()) == []


def test_discarding_spares_a_folder_that_another_run_has_moved_into(tmp_path):
    first = RunFolder.create(settings(), tmp_path / "runs" / "first")
    RunFolder.create(settings(), tmp_path / "runs" / "second")
    first.discard_if_empty()
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["second"]


def test_discarding_spares_what_others_have_put_into_the_folder(tmp_path):
    run = RunFolder.create(settings(), tmp_path / "run")
    (run.path / "slurm-1.out").write_text("log")
    (run.path / "notes").mkdir()
    (run.path / "notes" / "config.json").write_text("mine")
    (run.path / "policy").mkdir()
    (run.path / "events.out.tfevents.1").write_text("ours")
    (run.path / "checkpoints" / ".iteration-000001-abcd1234").mkdir(parents=True)
    run.discard_if_empty()
    left = sorted(path.relative_to(run.path).as_posix() for path in run.path.rglob("*"))
    assert left == ["notes", "notes/config.json", "policy", "slurm-1.out"]


def test_a_run_with_a_row_or_a_checkpoint_is_not_discarded(tmp_path):
    one = RunFolder.create(settings(), tmp_path / "one")
    one.append(row(1))
    one.discard_if_empty()
    other = RunFolder.create(settings(), tmp_path / "other")
    fill(other, 1)
    other.discard_if_empty()
    assert one.rows()
    assert other.latest_checkpoint()


def test_a_missing_run_is_refused_with_those_that_are_there(run):
    with pytest.raises(ValueError, match=r"there is no run folder .*rum; .* has run"):
        RunFolder.open(run.path.with_name("rum"))


def test_a_folder_without_a_configuration_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"is no run folder: it has no config\.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"settings": {"env": "RepeatPrev',
        b"[]",
        b"null",
        b"{}",
        b'{"settings": null}',
        b'{"settings": [1]}',
        b'{"settings": {"env": "E", "lr": "fast"}}',
        b'{"settings": {"env": "E", "gama": 1}}',
        b'{"settings": {"memory": "gru"}}',
        b"\xff\xfe\x00",
    ],
)
def test_a_damaged_configuration_is_refused_by_name(run, content):
    (run.path / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"config\.json is damaged .*restore it from a copy"):
        RunFolder.open(run.path)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"embedding": "sine"}, 64),  # what all trained with before there was a record
        ({"embedding": "sine", "embedding_max_steps": 51}, 51),
        ({"embedding": None}, None),
        ({}, None),
    ],
)
def test_a_run_goes_on_with_its_unit_of_time(tmp_path, network, expected):
    RunFolder.create(settings(network=network), tmp_path / "run")
    again = RunFolder.open(tmp_path / "run").settings
    assert again.network.get("embedding_max_steps") == expected


def test_a_changed_setting_is_changed_on_disk_and_nothing_else(run):
    before = json.loads((run.path / "config.json").read_text())
    run.change(steps=999_999)
    after = json.loads((run.path / "config.json").read_text())
    assert after["settings"].pop("steps") == 999_999
    before["settings"].pop("steps")
    assert after == before


def test_copies_of_the_configuration_in_checkpoints_are_named_if_it_is_lost(run):
    fill(run, 1, 2)
    copy = run.path / "checkpoints" / "iteration-000002" / "config.json"
    (run.path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=f"restore it from a copy, such as {copy}, or train"):
        RunFolder.open(run.path)
    (run.path / "config.json").unlink()
    with pytest.raises(ValueError, match=f"has no config.json; restore it .* as {copy}"):
        RunFolder.open(run.path)
    (run.path / "config.json").write_bytes(copy.read_bytes())
    assert RunFolder.open(run.path).settings == run.settings


# ---- progress


def test_rows_come_back_as_numbers_of_the_same_kind(run):
    rows = [row(1), row(2, return_mean=-0.1), row(3, return_mean=1e-30)]
    for each in rows:
        run.append(each)
    assert run.rows() == rows
    assert {type(run.rows()[0][name]) for name in ("iteration", "steps", "episodes")} == {int}


@pytest.mark.parametrize("keep", range(1, 80))
def test_whatever_a_crash_cuts_off_the_rows_before_it_remain(run, keep):
    for iteration in (1, 2, 3):
        run.append(row(iteration, return_mean=0.5))
    whole = run.rows()
    text = (run.path / "progress.csv").read_bytes()
    (run.path / "progress.csv").write_bytes(text[:keep])
    complete = max(0, text[:keep].count(b"\n") - 1)
    assert run.rows() == whole[:complete]


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00\n", b"\x00" * 100, b"1,2\n", b"a,b,c\n1,2,3\n"])
def test_a_file_of_progress_that_is_none_has_no_rows(run, garbage):
    (run.path / "progress.csv").write_bytes(garbage)
    assert run.rows() == []
    run.keep_rows(5)
    run.append(row(1))
    assert run.rows() == [row(1)]


def test_keeping_rows_drops_the_later_ones_and_appending_goes_on_in_the_same_columns(run):
    for iteration in (1, 2, 3):
        run.append(row(iteration))
    with (run.path / "progress.csv").open("a") as file:
        file.write("4,51")  # cut off
    again = RunFolder.open(run.path)
    again.keep_rows(2)
    again.append(row(3, return_mean=0.25))
    assert again.rows() == [row(1), row(2), row(3, return_mean=0.25)]
    header, *lines = (run.path / "progress.csv").read_text().splitlines()
    assert header == "iteration,steps,seconds,episodes,return_mean"
    assert len(lines) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_row_that_cannot_be_written_is_an_error_that_names_the_file(run, monkeypatch, number):
    run.append(row(1))

    def fail(_):
        raise OSError(number, "no luck")

    monkeypatch.setattr(progress_file.os, "fsync", fail)
    with pytest.raises(RunError, match=r"cannot write .*progress\.csv \(no luck\): (free|check)"):
        run.append(row(2))
    monkeypatch.undo()
    assert run.rows()[0] == row(1)


# ---- checkpoints and the policy


def test_the_newest_checkpoint_counts_and_only_two_are_kept(run):
    fill(run, 9, 10, 999_999, 1_000_000)
    assert run.latest_checkpoint()[0] == 1_000_000
    run.prune_checkpoints()
    names = sorted(path.name for path in (run.path / "checkpoints").iterdir())
    assert names == ["iteration-1000000", "iteration-999999"]


def test_a_checkpoint_that_was_not_finished_does_not_count(run):
    fill(run, 1)
    message = r"cannot write .*iteration-000002 \(full\): free some .* is unchanged"
    with pytest.raises(RunError, match=message), run.checkpoint(2) as path:
        path.mkdir()
        raise OSError(errno.ENOSPC, "full")
    (run.path / "checkpoints" / "iteration-000003.bak").mkdir()
    assert run.latest_checkpoint() == (1, run.path / "checkpoints" / "iteration-000001")


def test_a_run_without_checkpoints_cannot_be_resumed(run):
    with pytest.raises(ValueError, match="has no checkpoint to resume from: delete the folder"):
        run.latest_checkpoint()


def test_a_run_without_a_policy_says_so(run):
    with pytest.raises(ValueError, match=r"policy holds no policy: .*policy\.json is missing"):
        load(run.path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_policy_with_a_weight_that_is_not_finite_is_refused(run, value):
    spoiled = policy(memory="gru")
    with torch.no_grad():
        next(spoiled.net.parameters()).view(-1)[0] = value
    run.save_policy(spoiled)
    with pytest.raises(ValueError, match=r"policy has a weight that is not finite \(.*weight\)"):
        load(run.path)


def test_a_mask_may_be_infinite_but_not_nan():
    net = torch.nn.Linear(1, 1)
    net.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    net.register_buffer("whole", torch.tensor([1]))
    assert not_finite(net) == ""
    net.mask[0] = torch.nan
    assert not_finite(net) == "mask"


def test_a_policy_that_cannot_be_written_leaves_the_one_before(run, monkeypatch):
    run.save_policy(policy(memory="gru"))
    other = policy(memory="mlp")

    def fail(folder):
        (folder / "weights.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(other, "save", fail)
    with pytest.raises(RunError, match=r"cannot write .*run/policy \(full\)"):
        run.save_policy(other)
    assert load(run.path).spec.memory == "gru"


def test_the_policy_is_replaced_as_a_whole(run):
    run.save_policy(policy(memory="gru"))
    run.save_policy(policy(memory="mlp"))
    assert load(run.path).spec.memory == "mlp"
    assert sorted(p.name for p in run.path.iterdir()) == ["config.json", "policy"]


def test_a_run_from_before_observations_were_normalised_has_its_own_settings(run):
    data = json.loads((run.path / "config.json").read_text())
    old = data["settings"]
    for name in ("normalise_rewards", "normalise_observations", "action_masks"):
        del old[name]
    for name in ("encoder", "state_dependent_std"):
        old["network"].pop(name, None)
    old["value_clip"] = 10.0
    (run.path / "config.json").write_text(json.dumps(data))
    again = RunFolder.open(run.path).settings
    assert not (again.normalise_rewards or again.normalise_observations or again.action_masks)
    assert again.network["encoder"] == "none" and again.network["state_dependent_std"]


def test_snapshots_are_listed_by_their_steps_and_later_ones_dropped(run):
    assert run.snapshots() == {}
    for steps in (2_000, 10_000, 100):
        run.save_snapshot(steps, policy(memory="gru"))
    assert list(run.snapshots()) == [100, 2_000, 10_000]
    run.keep_snapshots(2_000)
    assert list(run.snapshots()) == [100, 2_000]
    assert load_policy(run.snapshots()[100]).spec.memory == "gru"
