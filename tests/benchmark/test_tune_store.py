import json

import pytest

import popgym.benchmark
from popgym.benchmark.store import DONE, FAILED, RUNNING, STOPPED, WAITING, BenchmarkFolder
from popgym.benchmark.store import SEARCH as INDEX
from popgym.benchmark.tuning.best import CAUTION, best, scored, write_best
from popgym.benchmark.tuning.display import TuneDisplay
from popgym.benchmark.tuning.store import TuneFolder
from popgym.runs.lock import locked
from popgym.runs.settings import Settings
from popgym.runs.settings_given import merge, read_settings_file
from tests.benchmark.searches import asked, begin


def test_the_same_search_adds_nothing_and_more_trials_add_some(tmp_path):
    first = asked(tmp_path / "s")
    settings = [trial.settings for trial in first.trials()]
    again = asked(tmp_path / "s", trials=5)
    assert [trial.settings for trial in again.trials()][:3] == settings
    assert [trial.name for trial in again.trials()] == ["000", "001", "002", "003", "004"]
    assert len(asked(tmp_path / "s", trials=2).trials()) == 5  # none is taken back
    assert TuneFolder.open(tmp_path / "s").commands == ["popgym tune …"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"env": "RepeatFirstEasy"}, "with env = 'RepeatPreviousEasy', not 'RepeatFirstEasy'"),
        ({"memory": "gru"}, "with memory = 'frameconv', not 'gru'"),
        ({"steps": 800}, "with steps = 900, not 800"),
        ({"seed": 1}, "with seed = 0, not 1"),
        ({"settings": {"epochs": 2}}, r"with settings = {}, not {'epochs': 2}"),
        ({"search": {"lr": "1e-4..1e-3"}}, r"with search = {}, not {'lr': '0.0001..0.001'}"),
    ],
)
def test_another_search_in_the_folder_is_refused_and_nothing_is_written(tmp_path, other, message):
    asked(tmp_path / "s")
    before = (tmp_path / "s" / INDEX).read_text()
    with pytest.raises(ValueError, match=f"s has a search {message}: name another --out"):
        asked(tmp_path / "s", **other)
    assert (tmp_path / "s" / INDEX).read_text() == before


def test_the_space_of_the_first_time_stays(tmp_path):
    asked(tmp_path / "s")
    path = tmp_path / "s" / INDEX
    data = json.loads(path.read_text())
    data["request"]["space"]["lr"] = "0.5..0.6"  # as if another version had begun the search
    path.write_text(json.dumps(data))
    assert asked(tmp_path / "s").trials()[1].settings.lr >= 0.5


def test_folders_that_are_no_search_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is no folder of a search: it has no tune\.json"):
        TuneFolder.open(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and no search: name another --out"):
        TuneFolder.open_or_create(tmp_path)
    (tmp_path / INDEX).write_text('{"schema": 99, "request": {}, "commands": []}')
    with pytest.raises(ValueError, match="has version 99 of the layout"):
        TuneFolder.open(tmp_path)
    for damaged in ("{", '{"schema": 1}', '{"schema": 1, "request": {}, "commands": []}', "[]"):
        (tmp_path / INDEX).write_text(damaged)
        with pytest.raises(ValueError, match=r"tune\.json is damaged .*: delete it and give the"):
            TuneFolder.open(tmp_path)


def test_a_benchmark_and_a_search_do_not_share_a_folder(tmp_path):
    folder = asked(tmp_path / "s")
    begin(folder.trials()[0], [0.5])
    with pytest.raises(ValueError, match="is not empty and no benchmark"):
        BenchmarkFolder.open_or_create(folder.path)
    benchmark = BenchmarkFolder.open_or_create(tmp_path / "b")
    benchmark.request({"tasks": ["RepeatFirstEasy"], "memories": ["gru"], "steps": 100}, "")
    (tmp_path / "b" / "trials").mkdir()
    with pytest.raises(ValueError, match="is not empty and no search"):
        TuneFolder.open_or_create(tmp_path / "b")


def test_a_search_whose_index_was_deleted_is_taken_up_with_its_trials(tmp_path):
    folder = asked(tmp_path / "s")
    begin(folder.trials()[0], [0.5], done=True)
    (folder.path / INDEX).unlink()
    again = asked(tmp_path / "s")
    assert [trial.status() for trial in again.trials()] == [DONE, WAITING, WAITING]


def test_the_status_of_a_trial_is_what_its_folder_says(tmp_path):
    trial = asked(tmp_path / "s").trials()[0]
    assert trial.status() == WAITING
    begin(trial, [0.5], early=True)
    assert trial.status() == STOPPED  # the decision to end it is not yet carried out
    trial.error_file.write_text('{"error": "ValueError: no"}')
    assert (trial.status(), trial.error()) == (FAILED, "ValueError: no")
    trial.lock_folder.mkdir()
    with locked(trial.lock_folder, "the trial"):
        assert trial.status() == RUNNING
    trial.note_end()
    assert trial.status() == DONE


def test_a_trial_that_goes_on_keeps_the_rows_up_to_its_checkpoint(tmp_path):
    first, second, third = asked(tmp_path / "s").trials()
    begin(first, [0.1, 0.2, 0.3], checkpoint=2)
    begin(second, [0.1, 0.2, 0.3])
    begin(third, [0.1, 0.2, 0.3], done=True)
    assert [row["iteration"] for row in first.kept_rows()] == [1, 2]
    assert second.kept_rows() == []
    assert len(third.kept_rows()) == 3


def test_whole_trials_are_ranked_before_those_that_were_ended_early(tmp_path):
    folder = asked(tmp_path / "s", trials=5)
    trials = folder.trials()
    begin(trials[0], [0.1] * 9, done=True)
    begin(trials[1], [0.9], done=True, early=True)
    begin(trials[2], [0.2] * 9, done=True)
    begin(trials[3], [None], done=True)
    found = scored(folder)
    assert [one.trial.number for one in found] == [2, 0, 1, 3, 4]
    assert [one.score for one in found] == [0.2, pytest.approx(0.1), 0.9, None, None]
    assert [one.steps for one in found] == [900, 900, 100, 100, 0]
    assert best(folder).trial.number == 2


def test_a_trial_that_has_not_ended_is_not_the_best(tmp_path):
    folder = asked(tmp_path / "s")
    trials = folder.trials()
    begin(trials[0], [0.9] * 5, checkpoint=5)
    assert best(folder) is None
    begin(trials[1], [0.1] * 9, done=True)
    assert best(folder).trial.number == 1


def test_the_score_is_the_mean_of_the_last_episodes(tmp_path):
    folder = asked(tmp_path / "s", settings={"stop_episodes": 250})
    begin(folder.trials()[0], [9.0, 1.0, 2.0, 6.0], done=True)  # 100 episodes each
    assert best(folder).score == pytest.approx((1 + 2 + 6) / 3)


def test_the_file_of_the_best_settings_is_what_train_takes(tmp_path):
    given = {"network.actor": [8], "normalise_rewards": False}
    folder = asked(tmp_path / "s", memory="lru", settings=given)
    trial = folder.trials()[1]
    begin(trial, [0.5] * 9, done=True)
    path = write_best(folder, best(folder))
    data = merge(read_settings_file(path))
    assert "seed" not in data and "threads" not in data
    trained = Settings.from_dict(data).resolved()
    assert trained == Settings.from_dict(
        trial.settings.resolved().as_dict() | {"seed": Settings.seed, "threads": None}
    )
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert "score of 0.5 on seed 0" in comments[0] and CAUTION in comments[1]


def test_the_values_of_a_trial_are_those_of_its_run_folder(tmp_path):
    folder = asked(tmp_path / "s")
    trial = folder.trials()[0]
    assert scored(folder)[0].values["rollout"] is None
    begin(trial, [0.5] * 9, done=True)
    values = scored(folder)[0].values
    assert values["rollout"] == 32 and values["minibatch_size"] == 256
    assert values["memory.stack_size"] == 4  # the default, which the run folder does not repeat
    assert values["network.hidden_size"] == 256


def test_what_is_damaged_is_passed_over(tmp_path):
    folder = asked(tmp_path / "s")
    trial = folder.trials()[0]
    begin(trial, [0.5], early=True)
    (trial.path / "config.json").write_text("{")
    trial.early_file.write_text("{")
    assert trial.early() is None
    assert scored(folder)[-1].score is None


def test_the_display_counts_no_steps_that_an_ended_trial_will_not_make(tmp_path, capsys):
    folder = asked(tmp_path / "s")
    begin(folder.trials()[0], [0.5], done=True, early=True)
    begin(folder.trials()[1], [0.5, 0.6], checkpoint=2)
    with TuneDisplay(folder.trials()) as display:
        display.update(now=True)
    assert display._steps_left() == (900 - 200) + 900
    assert "1 of 3 trials done, time left unknown" in capsys.readouterr().err


def test_tune_is_found_in_the_shop_window():
    assert popgym.benchmark.tune.__name__ == "tune"
    with pytest.raises(AttributeError, match="has no attribute 'tun'"):
        _ = popgym.benchmark.tun
