import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec
from torch import nn

from popgym.baselines.ray_models import GRU, MLP, Frameconv
from popgym.baselines.rl_modules import MemoryModule
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.policy_network import NetworkOptions

OBS_SPACE = spaces.Box(-1, 1, (5,))
SMALL = {"hidden_size": 12, "preprocessor_input_size": 16, "actor": [8], "critic": [8]}
MEMORIES = [
    (Frameconv, {}, {"memory": "frameconv", "stack_size": 4, "embedding": "sine"}),
    (Frameconv, {"stack_size": 1}, {"memory": "frameconv", "stack_size": 1, "embedding": "sine"}),
    (GRU, {"embedding": "learned"}, {"memory": "gru", "num_layers": 1, "embedding": "learned"}),
    (MLP, {}, {"memory": "mlp", "embedding": "sine"}),
]


def _make(seed=0, observation_space=OBS_SPACE, action_space=None, **model_config):
    torch.manual_seed(seed)
    spec = RLModuleSpec(
        module_class=MemoryModule,
        observation_space=observation_space,
        action_space=action_space or spaces.Discrete(3),
        model_config={**SMALL, "max_seq_len": 30, **model_config},
    )
    module = spec.build()
    for head in (module.net.actor_head, module.net.critic_head):  # so that small errors show
        nn.init.normal_(head.weight)
    return module


def _states(module, rows):
    """The initial state as RLlib's connectors batch it."""
    return {
        name: torch.as_tensor(np.stack([array] * rows))
        for name, array in module.get_initial_state().items()
    }


def _obs(rows=6, steps=9, seed=1):
    return torch.randn(rows, steps, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("cls", "options", "config"), MEMORIES)
def test_the_same_weights_are_the_same_function_in_both_stacks(cls, options, config):
    """Custom model, RLModule and bare network over padded rows, in several calls."""
    module = _make(**config)
    custom = cls(OBS_SPACE, spaces.Discrete(3), 3, {"max_seq_len": 30}, "m", **SMALL, **options)
    memory_options = {k: v for k, v in config.items() if k in ("stack_size", "num_layers")}
    wiring = NetworkOptions(**SMALL, embedding=config["embedding"], embedding_max_steps=30)
    bare = ActorCritic(5, 3, config["memory"], memory_options, wiring)
    weights = module.net.state_dict()
    custom.load_state_dict(weights)
    bare.load_state_dict(custom.state_dict())

    custom_state = [s.expand(6, *s.shape) for s in custom.get_initial_state()]
    module_state, bare_state = _states(module, 6), bare.initial_state(6)
    for call, lens in enumerate([[9, 9, 9, 9, 9, 9], [1, 4, 8, 2, 9, 5], [3, 1, 1, 2, 3, 2]]):
        obs, lens = _obs(seed=call), torch.tensor(lens)
        obs[torch.arange(9) >= lens[:, None]] = 0.0
        logits, custom_state = custom({"obs": obs.flatten(0, 1)}, custom_state, lens)
        values = custom.value_function()
        batch = {
            Columns.OBS: obs,
            Columns.STATE_IN: module_state,
            Columns.SEQ_LENS: lens,
        }
        acted, learned = module.forward_inference(batch), module.forward_train(batch)
        module_state = acted[Columns.STATE_OUT]
        bare_logits, bare_values, bare_state = bare.forward_padded(obs, bare_state, lens)

        real = torch.arange(9) < lens[:, None]
        expected = bare_logits[real]
        for given in (
            logits.unflatten(0, (6, 9)),
            acted[Columns.ACTION_DIST_INPUTS],
            learned[Columns.ACTION_DIST_INPUTS],
        ):
            torch.testing.assert_close(given[real], expected)
        expected = bare_values[real]
        for given in (values.unflatten(0, (6, 9)), module.compute_values(batch)):
            torch.testing.assert_close(given[real], expected)
        expected = list(bare.flatten_state(bare_state).values())
        torch.testing.assert_close(list(module_state.values()), expected)
        torch.testing.assert_close([s.to(e) for s, e in zip(custom_state, expected, strict=True)],
                                   expected)  # fmt: skip


@pytest.mark.parametrize(("cls", "options", "config"), MEMORIES)
def test_acting_step_by_step_is_learning_on_the_whole(cls, options, config):
    module = _make(**config)
    obs, state = _obs(), _states(module, 6)
    learned = module.forward_train({Columns.OBS: obs, Columns.STATE_IN: state})
    for t in range(9):
        batch = {Columns.OBS: obs[:, t : t + 1], Columns.STATE_IN: state}
        out = module.forward_exploration(batch)
        state = out[Columns.STATE_OUT]
        torch.testing.assert_close(
            out[Columns.ACTION_DIST_INPUTS][:, 0], learned[Columns.ACTION_DIST_INPUTS][:, t]
        )
    assert state["time"].tolist() == [[9]] * 6


def test_padding_reaches_no_real_step():
    module = _make(memory="gru")
    obs, state = _obs(), _states(module, 6)
    other = obs.clone()
    other[:, 6:] = 1e6
    keys = (Columns.ACTION_DIST_INPUTS, Columns.EMBEDDINGS)
    outs = [module.forward_train({Columns.OBS: o, Columns.STATE_IN: state}) for o in (obs, other)]
    for key in keys:
        torch.testing.assert_close(outs[0][key][:, :6], outs[1][key][:, :6])


@pytest.mark.parametrize(("cls", "options", "config"), MEMORIES)
def test_a_rollout_is_learned_from_its_starts_and_its_state(cls, options, config):
    module = _make(**config, rollout=True)
    obs = _obs()
    start = torch.rand(6, 9, generator=torch.Generator().manual_seed(2)) < 0.3
    before = module.net(_obs(steps=4, seed=3), module.net.initial_state(6))[2]
    batch = {
        Columns.OBS: obs,
        "start": start,
        "rollout_state": module.net.flatten_state(before),
    }
    out = module.forward_train(batch)
    logits, values, _ = module.net(obs, before, start)
    torch.testing.assert_close(out[Columns.ACTION_DIST_INPUTS], logits)
    torch.testing.assert_close(out[Columns.EMBEDDINGS], values)
    # as PPOTorchLearner asks for them
    handed_back = module.compute_values(batch, embeddings=out.get(Columns.EMBEDDINGS))
    assert handed_back is out[Columns.EMBEDDINGS]
    torch.testing.assert_close(module.compute_values(batch), values)


def test_a_rollout_module_offers_rllib_no_state():
    rollout, stock = _make(rollout=True), _make()
    assert rollout.get_initial_state() == {}
    assert not rollout.is_stateful()
    assert stock.is_stateful()
    with pytest.raises(ValueError, match=r"keeps no state between calls.*popgym\.load"):
        rollout.forward_inference({Columns.OBS: _obs()[:, 0]})


def test_the_initial_state_is_numpy_without_a_batch_axis():
    state = _make(stack_size=5).get_initial_state()
    assert {name: array.shape for name, array in state.items()} == {
        "memory.frames": (4, 16),
        "time": (1,),
    }
    assert all(isinstance(array, np.ndarray) and not array.any() for array in state.values())


@pytest.mark.parametrize(
    "space",
    [spaces.Box(-1, 1, (2, 3, 4)), spaces.Box(0, 255, (7,), np.uint8), spaces.Box(-1, 1, ())],
    ids=str,
)
def test_a_box_of_any_shape_is_flattened(space):
    space.seed(0)
    drawn = np.stack([space.sample() for _ in range(6 * 9)])
    sample = torch.from_numpy(drawn.reshape(6, 9, *space.shape))
    module = _make(observation_space=space)
    out = module.forward_train({Columns.OBS: sample, Columns.STATE_IN: _states(module, 6)})
    flat = sample.reshape(6, 9, -1).float()
    logits, values, _ = module.net(flat, module.net.initial_state(6))
    torch.testing.assert_close(out[Columns.ACTION_DIST_INPUTS], logits)
    torch.testing.assert_close(out[Columns.EMBEDDINGS], values)
    one_step = module.forward_train({Columns.OBS: sample[:, 0]})
    torch.testing.assert_close(one_step[Columns.ACTION_DIST_INPUTS], logits[:, 0])
    torch.testing.assert_close(one_step[Columns.EMBEDDINGS], values[:, 0])


@pytest.mark.parametrize(
    ("space", "num_outputs", "action_shape"),
    [
        (spaces.Discrete(4), 4, ()),
        (spaces.MultiDiscrete([2, 3, 4]), 9, (3,)),
        (spaces.Box(-2, 2, (2,)), 4, (2,)),
    ],
    ids=str,
)
def test_each_action_space_has_its_distribution(space, num_outputs, action_shape):
    module = _make(action_space=space)
    logits = module.forward_train({Columns.OBS: _obs()})[Columns.ACTION_DIST_INPUTS]
    assert logits.shape == (6, 9, num_outputs)
    for get_class in (
        module.get_train_action_dist_cls,
        module.get_exploration_action_dist_cls,
        module.get_inference_action_dist_cls,
    ):
        dist = get_class().from_logits(logits)
        actions = dist.sample()
        assert actions.shape == (6, 9, *action_shape)
        assert dist.logp(actions).shape == (6, 9)
        assert dist.kl(dist).abs().max() < 1e-5
        assert dist.to_deterministic().sample().shape == (6, 9, *action_shape)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stack_sise": 8}, "unknown model_config key 'stack_sise'; did you mean 'stack_size'"),
        ({"memory": "gru", "stack_size": 8}, "unknown model_config key 'stack_size'"),
        ({"memory": "frameconf"}, "'frameconf'; did you mean 'frameconv'"),
        ({"fcnet_hiddens": [64]}, "unknown model_config key 'fcnet_hiddens'"),
        ({"actor": nn.Linear(12, 8)}, "holds numbers and names, got a module for 'actor'"),
        ({"observation_space": spaces.Discrete(3)}, "FlattenObservations"),
        ({"observation_space": spaces.Dict(a=OBS_SPACE)}, "FlattenObservations"),
        ({"action_space": spaces.Tuple([spaces.Discrete(2)])}, "action space .* not supported"),
        ({"action_space": spaces.MultiBinary(3)}, "action space .* not supported"),
    ],
)
def test_what_is_not_supported_is_refused_with_a_remedy(arguments, message):
    with pytest.raises(ValueError, match=message):
        _make(**arguments)


@pytest.mark.parametrize("config", [None, DefaultModelConfig(), {"vf_share_layers": False}])
def test_what_rllib_adds_by_itself_is_accepted(config):
    module = MemoryModule(
        observation_space=OBS_SPACE, action_space=spaces.Discrete(2), model_config=config
    )
    assert module.net.core.stack_size == 4
    expected = DefaultModelConfig().max_seq_len if isinstance(config, DefaultModelConfig) else 64
    assert module.model_config["max_seq_len"] == expected


def test_the_callers_model_config_is_not_changed():
    config = {"memory": "gru", "rollout": True, **SMALL}
    kept = copy.deepcopy(config)
    MemoryModule(observation_space=OBS_SPACE, action_space=spaces.Discrete(2), model_config=config)
    assert config == kept


def test_a_checkpoint_gives_back_the_same_policy(tmp_path):
    module = _make(memory="gru", num_layers=2, embedding="time2vec")
    module.save_to_path(tmp_path)
    again = RLModule.from_checkpoint(tmp_path)
    torch.testing.assert_close(dict(again.state_dict()), dict(module.state_dict()))
    batch = {Columns.OBS: _obs(), Columns.STATE_IN: _states(module, 6)}
    torch.testing.assert_close(
        again.forward_train(batch)[Columns.EMBEDDINGS],
        module.forward_train(batch)[Columns.EMBEDDINGS],
    )


def test_two_modules_share_nothing():
    one, other = _make(), _make()
    addresses = {t.untyped_storage().data_ptr() for t in one.state_dict().values()}
    assert addresses.isdisjoint(t.untyped_storage().data_ptr() for t in other.state_dict().values())


def test_a_memory_of_ones_own_is_named_by_its_class():
    module = _make(memory="popgym.memory.models.gru:GRU", num_layers=2)
    assert isinstance(module.net.core, torch.nn.Module)
    assert module.get_initial_state()["memory.hidden"].shape == (24,)


def test_gymnasium_spaces_are_not_kept_alive_by_the_network():
    """The network knows sizes alone, so that it can be saved without gymnasium."""
    module = _make()
    assert not any(isinstance(v, gym.Space) for v in vars(module.net).values())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 30),  # max_seq_len, as _make gives it
        ({"max_seq_len": 7}, 7),
        ({"embedding_max_steps": 9}, 9),
        ({"embedding_max_steps": None}, 30),
    ],
)
def test_the_unit_of_time_is_an_option_of_its_own_or_rllibs_chunk(given, expected):
    module = _make(embedding="sine", **given)
    assert module.net.embedding.max_steps == expected


def test_a_memorys_options_may_stand_in_a_table():
    assert _make(memory_options={"stack_size": 6}).net.core.stack_size == 6
    with pytest.raises(ValueError, match="did you mean 'stack_size'"):
        _make(memory_options={"stack_sise": 6})
    with pytest.raises(ValueError, match="got a module for 'stack_size'"):
        _make(memory_options={"stack_size": nn.Linear(1, 1)})
