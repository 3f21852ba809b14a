"""Whole runs, tiny ones: what they write, how they go on, and how they end badly."""

import json
import os
import signal
import stat
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import popgym
from popgym.baselines import checks, loop
from popgym.baselines import train as training
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.ppo.learner import PPOLearner
from popgym.baselines.train import resume
from popgym.runs.errors import BrokenEnvironmentError, RunError, TrainingDivergedError
from popgym.runs.folder import RunFolder
from popgym.runs.lock import locked
from popgym.runs.source import source_of
from tests.runs.specimens import OWN, SMALL, TOYS, Counted

STEPS = 128  # of an iteration


def train(env=f"{TOYS}:Guess", memory="gru", **settings):
    return popgym.train(env, memory, **{"progress": False, **SMALL, **settings})


def without_time(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def weights(run):
    return load_file(run.path / "policy" / "weights.safetensors")


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.fixture
def fail_in_iteration(monkeypatch):
    """Makes an iteration fail after playing and learning, before it counts."""

    def _fail(number, error):
        def train_or_fail(self):
            if self.iteration + 1 == number:
                self.training_step()
                raise error
            return original(self)

        original = RecurrentPPO.train
        monkeypatch.setattr(RecurrentPPO, "train", train_or_fail)

    yield _fail
    monkeypatch.undo()


# ---- what a run is


def test_a_run_leaves_settings_progress_events_a_picture_a_checkpoint_and_the_policy(tmp_path):
    run = train(out=tmp_path / "run", steps=3 * STEPS)
    names = {p.name.split(".")[0] for p in run.path.iterdir() if p.name != ".lock"}
    assert names == {"config", "progress", "events", "curve", "policy", "checkpoints"}
    assert not run.interrupted
    assert [row["steps"] for row in run.rows] == [STEPS, 2 * STEPS, 3 * STEPS]
    assert all(row["episodes"] == STEPS for row in run.rows)
    assert run.final_return == run.rows[-1]["return_mean"]
    assert [p.name for p in (run.path / "checkpoints").iterdir()] == ["iteration-000003"]
    config = json.loads((run.path / "config.json").read_text())
    assert config["settings"]["num_envs"] == 8


def test_a_run_ends_early_at_the_return_that_it_should_reach(tmp_path):
    run = train(out=tmp_path / "run", steps=9 * STEPS, stop_at=-1.0, stop_episodes=2 * STEPS)
    assert [row["steps"] for row in run.rows] == [STEPS, 2 * STEPS]
    assert not run.interrupted
    with pytest.warns(UserWarning, match="has reached a mean return of -1 already; choose"):
        run = resume(run.path, progress=False)
    assert len(run.rows) == 2
    run = resume(run.path, stop_at=2.0, progress=False)
    assert len(run.rows) == 9
    assert run.folder.settings.stop_at == 2.0


def test_without_a_number_of_iterations_a_checkpoint_is_made_about_every_minute(
    tmp_path, monkeypatch
):
    made = []
    monkeypatch.setattr(loop, "save", lambda algorithm, folder, iteration: made.append(iteration))
    monkeypatch.setattr(loop, "_SAVE_SECONDS", 0.0)
    train(out=tmp_path / "often", steps=3 * STEPS)
    assert made == [1, 2, 3]
    monkeypatch.setattr(loop, "_SAVE_SECONDS", 1e9)
    train(out=tmp_path / "seldom", steps=3 * STEPS)
    assert made == [1, 2, 3, 3]


def test_tensorboard_has_the_same_rows(tmp_path):
    run = train(out=tmp_path / "run", steps=3 * STEPS)
    events = EventAccumulator(str(run.path)).Reload()
    shown = [(event.step, event.value) for event in events.Scalars("return_mean")]
    assert shown == [(r["steps"], pytest.approx(r["return_mean"])) for r in run.rows]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_who_may_read_a_run_is_the_users_choice(tmp_path, umask):
    before = os.umask(umask)
    try:
        run = train(out=tmp_path / "runs" / "run", steps=STEPS)
    finally:
        os.umask(before)
    for path in [run.path.parent, *run.path.parent.rglob("*")]:
        allowed = (0o777 if path.is_dir() else 0o666) & ~umask
        assert oct(stat.S_IMODE(path.stat().st_mode)) == oct(allowed), path


def test_an_environment_is_made_to_be_looked_at_and_then_once_for_each_place(tmp_path, monkeypatch):
    """However often is saved; to make one may be slow, or touch what is outside."""
    monkeypatch.setattr(Counted, "made", 0)
    places = 8 + 4  # to play and to be evaluated in
    saving = {"checkpoint_every": 1, "eval_every": 1, "eval_episodes": 4}
    run = train(f"{OWN}:Counted", out=tmp_path / "run", steps=3 * STEPS, **saving)
    assert Counted.made == 1 + places
    resume(run.path, steps=5 * STEPS, progress=False)
    assert Counted.made == 2 * (1 + places)


def test_snapshots_are_spread_over_the_steps_and_follow_a_resumed_run(tmp_path):
    run = train(out=tmp_path / "run", steps=4 * STEPS, snapshots=2)
    assert list(run.folder.snapshots()) == [2 * STEPS, 4 * STEPS]
    last = load_file(run.folder.snapshots()[4 * STEPS] / "weights.safetensors")
    assert_same_weights(last, weights(run))
    resume(run.path, steps=9 * STEPS, progress=False)  # now every 4.5 iterations
    assert list(run.folder.snapshots()) == [2 * STEPS, 4 * STEPS, 5 * STEPS, 9 * STEPS]


def test_saving_leaves_torchs_random_numbers_alone(tmp_path):
    chosen = training.Settings(env=f"{TOYS}:Guess", memory="gru", **SMALL).resolved()
    with training.running_algorithm(chosen) as algorithm:
        before = torch.get_rng_state()
        loop.save(algorithm, RunFolder.create(chosen, tmp_path / "run"), 1)
        assert torch.equal(torch.get_rng_state(), before)


def test_the_policy_has_the_unit_of_time_that_the_network_trained_with(tmp_path):
    network = {**SMALL["network"], "embedding": "learned"}
    run = train("RepeatPreviousEasy", out=tmp_path / "run", steps=STEPS, network=network)
    longest = 51  # a row of the table for each step of an episode
    assert run.folder.settings.network["embedding_max_steps"] == longest
    assert len(run.policy().net.embedding.table) == longest
    run = resume(run.path, steps=2 * STEPS, progress=False)
    config = json.loads((run.path / "config.json").read_text())
    assert config["settings"]["network"]["embedding_max_steps"] == longest
    assert len(run.policy().net.embedding.table) == longest


def test_the_policy_of_a_run_plays(tmp_path):
    run = train(out=tmp_path / "run", steps=STEPS)
    policy, state = popgym.load(run.path), None
    for obs in (0, 1, 2):
        action, state = policy.act(obs, state)
        assert policy.action_space.contains(action)
    result = popgym.evaluate(policy, f"{TOYS}:Guess", episodes=8)
    assert len(result.returns) == 8


def test_the_seed_decides_everything(tmp_path):
    runs = []
    for i, seed in enumerate((0, 0, 1)):
        torch.manual_seed(100 + i)  # the process's own randomness must not matter
        runs.append(train(out=tmp_path / str(i), steps=2 * STEPS, seed=seed))
    assert without_time(runs[0].rows) == without_time(runs[1].rows)
    assert_same_weights(weights(runs[0]), weights(runs[1]))
    assert without_time(runs[0].rows) != without_time(runs[2].rows)


def test_environments_and_memories_of_ones_own_train(tmp_path):
    run = train(f"{TOYS}:Countdown", f"{OWN}:OwnMemory", out=tmp_path / "r", steps=STEPS)
    assert run.rows[0]["return_mean"] == 4.0
    assert type(popgym.load(run.path).net.core).__name__ == "OwnMemory"


def test_sections_of_settings_may_be_written_with_dots(tmp_path):
    run = train(memory="frameconv", out=tmp_path / "r", steps=STEPS, **{"memory.stack_size": 2})
    assert run.policy().net.core.stack_size == 2


def test_evaluations_come_when_asked_for(tmp_path):
    run = train(out=tmp_path / "r", steps=4 * STEPS, eval_every=2, eval_episodes=8)
    assert [row["eval_return"] is None for row in run.rows] == [True, False, True, False]


def test_an_iteration_in_which_no_episode_ends_has_no_return(tmp_path):
    run = train("RepeatPreviousEasy", out=tmp_path / "r", steps=STEPS)
    assert run.rows[0]["episodes"] == 0
    assert run.rows[0]["return_mean"] is None
    assert run.final_return is None


# ---- going on


@pytest.mark.parametrize("wrappers", [[], ["PreviousAction", "Antialias"]], ids=str)
def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path, wrappers):
    env = "PositionOnlyCartPoleEasy"  # ours: its episodes under way are part of a checkpoint
    whole = train(env, out=tmp_path / "whole", steps=5 * STEPS, wrappers=wrappers)
    first = train(env, out=tmp_path / "parts", steps=2 * STEPS, wrappers=wrappers)
    header = (first.path / "progress.csv").read_text().splitlines()[0]
    parts = resume(first.path, steps=5 * STEPS, progress=False)
    assert without_time(parts.rows) == without_time(whole.rows)
    assert_same_weights(weights(parts), weights(whole))
    assert (parts.path / "progress.csv").read_text().splitlines()[0] == header
    seconds = [row["seconds"] for row in parts.rows]
    assert seconds == sorted(seconds)
    assert RunFolder.open(parts.path).settings.steps == 5 * STEPS


def test_rows_after_the_checkpoint_are_played_again(tmp_path, fail_in_iteration, monkeypatch):
    fail_in_iteration(5, RunError("gone"))
    with pytest.raises(RunError, match="resume from iteration 3 with: popgym train --resume"):
        train(out=tmp_path / "run", steps=6 * STEPS, checkpoint_every=3)
    folder = RunFolder.open(tmp_path / "run")
    assert [row["iteration"] for row in folder.rows()] == [1, 2, 3, 4]
    with (folder.path / "progress.csv").open("a") as file:
        file.write("5,6")  # as a crash may leave it
    monkeypatch.undo()
    run = resume(folder.path, progress=False)
    assert [row["iteration"] for row in run.rows] == [1, 2, 3, 4, 5, 6]
    assert [row["steps"] for row in run.rows] == [STEPS * i for i in range(1, 7)]
    events = EventAccumulator(str(run.path)).Reload()
    shown = [event.step for event in events.Scalars("return_mean")]
    assert shown == [row["steps"] for row in run.rows]


def test_resuming_a_finished_run_warns_and_mends_its_policy(tmp_path):
    run = train(out=tmp_path / "run", steps=2 * STEPS)
    before = weights(run)
    (run.path / "policy" / "weights.safetensors").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="has made 256 steps already; choose a larger --steps"):
        run = resume(run.path, progress=False)
    assert len(run.rows) == 2
    assert_same_weights(weights(run), before)


# ---- ending early


def test_ctrl_c_lets_the_iteration_end_saves_and_resumes_as_if_nothing_had_been(
    tmp_path, monkeypatch
):
    env = "PositionOnlyCartPoleEasy"
    whole = train(env, out=tmp_path / "whole", steps=4 * STEPS)
    original = RecurrentPPO.training_step

    def interrupted_step(self):
        original(self)
        if self.iteration == 1:  # the second
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RecurrentPPO, "training_step", interrupted_step)
        run = train(env, out=tmp_path / "parts", steps=4 * STEPS)
    assert run.interrupted
    assert [row["iteration"] for row in run.rows] == [1, 2]
    assert run.folder.latest_checkpoint()[0] == 2
    assert run.policy()
    again = resume(run.path, progress=False)
    assert not again.interrupted
    assert without_time(again.rows) == without_time(whole.rows)
    assert_same_weights(weights(again), weights(whole))


def test_an_iteration_broken_off_leaves_a_checkpoint_to_go_on_from(
    tmp_path, fail_in_iteration, monkeypatch
):
    fail_in_iteration(3, KeyboardInterrupt())
    run = train(out=tmp_path / "run", steps=4 * STEPS)
    assert run.interrupted
    assert len(run.rows) == run.folder.latest_checkpoint()[0] == 2
    assert [p.name for p in run.path.rglob(".*")] == [".lock"], "nothing half-written"
    assert (run.path / "curve.png").exists()
    monkeypatch.undo()
    again = resume(run.path, progress=False)
    assert [row["iteration"] for row in again.rows] == [1, 2, 3, 4][: len(again.rows)]
    assert again.rows[-1]["steps"] >= 4 * STEPS


def test_ctrl_c_in_the_first_iteration_leaves_nothing(tmp_path, fail_in_iteration):
    fail_in_iteration(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train(out=tmp_path / "runs" / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("Raising", r"failed in step\(\): RuntimeError: the motor is on fire"),
        ("NotANumber", "observation has the value nan"),
        ("Outside", "observation has the value 11.*outside its space"),
        ("InfiniteReward", "reward that is not finite"),
    ],
)
def test_a_broken_environment_ends_the_run_by_name_and_leaves_nothing(tmp_path, env, message):
    with pytest.raises(BrokenEnvironmentError, match=rf"environment {TOYS}:{env}.*{message}"):
        train(f"{TOYS}:{env}", out=tmp_path / "runs" / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_finite_ends_the_run_with_advice_and_leaves_nothing(tmp_path):
    with pytest.raises(TrainingDivergedError, match="lower the learning rate"):
        train(f"{OWN}:HugeReward", out=tmp_path / "run", normalise_rewards=False)
    assert list(tmp_path.iterdir()) == []


def test_huge_rewards_are_learned_from_if_they_are_normalised(tmp_path):
    run = train(f"{OWN}:HugeReward", out=tmp_path / "run", steps=2 * STEPS)
    assert run.rows[-1]["value_loss"] < 100


def test_a_run_that_fails_later_keeps_its_rows_and_says_so(tmp_path, fail_in_iteration):
    fail_in_iteration(2, TrainingDivergedError("vf_loss is nan"))
    with pytest.raises(TrainingDivergedError, match="vf_loss is nan; there is no checkpoint"):
        train(out=tmp_path / "run", steps=3 * STEPS)
    assert len(RunFolder.open(tmp_path / "run").rows()) == 1


def test_a_gradient_that_is_not_finite_in_the_last_minibatch_saves_nothing(tmp_path, monkeypatch):
    original = PPOLearner._clip_gradients
    calls = []

    def spoil_the_last(self):
        calls.append(1)
        if len(calls) == 4:  # two epochs of two minibatches
            next(iter(self._params.values())).grad.fill_(float("nan"))
        original(self)

    monkeypatch.setattr(PPOLearner, "_clip_gradients", spoil_the_last)
    with pytest.raises(TrainingDivergedError, match="a weight is not finite after 1 updates"):
        train(out=tmp_path / "run", steps=STEPS)
    assert len(calls) == 4
    assert list(tmp_path.iterdir()) == []


def test_what_is_undefined_is_an_empty_cell_and_not_divergence(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # torch warns of the variance of one number
        run = train(
            out=tmp_path / "run", steps=4, num_envs=2, rollout=1, minibatch_size=1, kl_cutoff=0.0
        )
    header, *lines = (run.path / "progress.csv").read_text().splitlines()
    column = header.split(",").index("explained_variance")
    assert [line.split(",")[column] for line in lines] == ["", ""]
    assert [row["explained_variance"] for row in run.rows] == [None, None]
    assert all(np.isfinite(row["value_loss"]) for row in run.rows)


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_an_environment_may_reuse_its_arrays_and_write_into_actions(tmp_path, vectorization):
    how = {"num_envs": 2, "vectorization": vectorization, "steps": 96}
    fresh, reusing = (
        train(f"{TOYS}:{name}", out=tmp_path / name, **how) for name in ("Fresh", "Reusing")
    )
    assert without_time(fresh.rows) == without_time(reusing.rows)
    assert_same_weights(weights(fresh), weights(reusing))


# ---- mistakes found before anything is built


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"env": "RepeatPreviousEasi"}, "did you mean RepeatPreviousEasy"),
        ({"env": f"{TOYS}:TextOnly"}, "Text.*Box, Discrete"),
        ({"env": f"{TOYS}:SequenceOnly"}, r"action space Sequence\(Discrete\(3\).* not supported"),
        ({"env_options": {"colour": 1}}, "colour"),
        ({"env": f"{OWN}:CannotBeMade"}, "cannot be made: OSError: no such level"),
        ({"memory": "gruu"}, "did you mean 'gru'"),
        ({"memory": "no_module:M"}, "cannot import module 'no_module'"),
        ({"memory_options": {"layers": 2}}, "num_layers"),
        ({"network": {"hidden": 2}}, "did you mean 'hidden_size'"),
        ({"network": {"hidden_size": -2}}, "hidden_size"),
        ({"lerning_rate": 1}, "unknown setting 'lerning_rate'"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"lr": 1e30}, "lr must be at least 0 and at most 10"),
        ({"device": "cuda"}, "torch sees no GPU here; use --device cpu"),
    ],
    ids=str,
)
def test_a_mistake_is_named_and_nothing_is_written(tmp_path, monkeypatch, wrong, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises((ValueError, TypeError, RunError), match=message):
        train(out=tmp_path / "run", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_resuming_leaves_the_run_as_it_was(tmp_path):
    run = train(out=tmp_path / "run", steps=STEPS)
    before = {p: p.stat().st_mtime_ns for p in run.path.rglob("*")}
    for steps in (0, "many"):
        with pytest.raises((ValueError, TypeError), match="steps"):
            resume(run.path, steps=steps)
    assert {p: p.stat().st_mtime_ns for p in run.path.rglob("*")} == before


def test_steps_that_a_run_has_made_are_not_taken_back(tmp_path):
    run = train(out=tmp_path / "run", steps=2 * STEPS)
    with pytest.raises(ValueError, match=r"has made 256 steps already, .* got 10"):
        resume(run.path, steps=10)
    assert RunFolder.open(run.path).settings.steps == 2 * STEPS


def test_a_run_in_use_is_not_resumed_by_a_second_process(tmp_path):
    run = train(out=tmp_path / "run", steps=STEPS)
    rows = run.rows
    with locked(run.path, "the run"), pytest.raises(ValueError, match="in use by another process"):
        resume(run.path, steps=2 * STEPS)
    assert run.rows == rows
    assert RunFolder.open(run.path).settings.steps == STEPS


# ---- doubtful choices


def settings(env, memory="frameconv", rollout=64, **options):
    chosen = training.Settings(env=env, memory=memory, memory_options=options, rollout=rollout)
    return chosen.resolved()


def test_a_rollout_that_is_too_short_for_the_task_is_warned_of_with_a_remedy():
    with pytest.warns(UserWarning, match=r"rollout 32: .* memory of 63 steps.*rollout=64"):
        training.check(settings("RepeatPreviousHard", "gru", rollout=32))


@pytest.mark.parametrize(("env", "cutoff"), [("CartPole-v1", 0.1), ("Pendulum-v1", 0.02)])
def test_a_policy_for_real_numbers_is_pulled_back_sooner(env, cutoff):
    assert training.check(settings(env, "mlp")).kl_cutoff == cutoff
    assert training.check(replace(settings(env, "mlp"), kl_cutoff=0.0)).kl_cutoff == 0


@pytest.mark.parametrize(
    ("env", "rollout"),
    [("RepeatPreviousEasy", 32), ("RepeatPreviousMedium", 64), ("CountRecallEasy", 64),
     (f"{TOYS}:Guess", 32)],
)  # fmt: skip
def test_the_rollout_follows_from_the_memory_that_the_task_needs(env, rollout):
    chosen = training.Settings(env=env)
    assert training.with_rollout(chosen, source_of(env)).rollout == rollout
    given = training.Settings(env=env, rollout=5)
    assert training.with_rollout(given, source_of(env)).rollout == 5


@pytest.mark.parametrize("known", [{}, {"architecture": "x86_64", "avx512_bf16": False},
                                   {"architecture": "x86_64", "amx_bf16": True},
                                   {"architecture": "aarch64"}])  # fmt: skip
def test_bf16_without_such_arithmetic_is_warned_of(monkeypatch, known):
    monkeypatch.setattr(checks, "capabilities", lambda: known)
    chosen = replace(settings("RepeatPreviousEasy"), precision="bf16")
    slow = known.get("avx512_bf16") is False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        training.check(chosen)
    told = [w for w in caught if "no bfloat16 arithmetic" in str(w.message)]
    assert len(told) == slow


@pytest.mark.parametrize(
    ("env", "memory", "options", "message"),
    [
        ("RepeatPreviousMedium", "frameconv", {}, "stack_size 4 cannot see 31 steps back"),
        ("RepeatPreviousMedium", "frameconv", {"stack_size": 31}, "stack_size 31 cannot see 31"),
        ("RepeatPreviousHard", "frameconv", {}, "stack_size 4 cannot see 63 steps back"),
        ("popgym-RepeatPreviousEasy-v0", "mlp", {}, "mlp cannot see 3 steps back"),
    ],
)
def test_too_short_a_window_is_warned_of_with_a_remedy(env, memory, options, message):
    with pytest.warns(UserWarning, match=rf"{message}.*(use --set memory\.stack_size|choose)"):
        training.check(settings(env, memory, **options))


@pytest.mark.parametrize(
    ("env", "memory", "options"),
    [
        ("RepeatPreviousEasy", "frameconv", {}),
        ("RepeatPreviousMedium", "frameconv", {"stack_size": 32}),
        ("RepeatPreviousHard", "gru", {}),
        ("CartPole-v1", "mlp", {}),
    ],
)
def test_a_memory_that_reaches_far_enough_is_not_warned_of(env, memory, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training.check(settings(env, memory, **options))
