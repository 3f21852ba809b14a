import copy

import pytest
import torch

from popgym.memory.ops.resets import steps_in_episode
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.policy_network import NetworkOptions

SMALL = {"preprocessor_input_size": 16, "preprocessor": (10,), "hidden_size": 12, "actor": (8,),
         "critic": (8,)}  # fmt: skip
MEMORIES = [
    ("frameconv", {"stack_size": 4}),
    ("frameconv", {"stack_size": 1}),
    ("gru", {"num_layers": 2}),
    ("mlp", {}),
]


def _make(memory="frameconv", memory_options=None, embedding="sine", seed=0, **options):
    torch.manual_seed(seed)
    network = NetworkOptions(
        **{**SMALL, "embedding": embedding, "embedding_max_steps": 30, **options}
    )
    net = ActorCritic(5, 3, memory, memory_options, network)
    for head in (net.actor_head, net.critic_head):  # so that small errors show
        torch.nn.init.normal_(head.weight)
    return net.double()


def _inputs(rows=6, steps=11, starts=0.2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    obs = torch.randn(rows, steps, 5, generator=generator, dtype=torch.float64)
    return obs, torch.rand(rows, steps, generator=generator) < starts


def _naive_steps(time, start):
    """Counting, one step at a time."""
    rows = []
    for before, row in zip(time.flatten().tolist(), start.tolist(), strict=True):
        counted = []
        for begins in row:
            before = 0 if begins else before
            counted.append(before)
            before += 1
        rows.append(counted)
    return torch.tensor(rows)


def _assert_states_equal(state, expected):
    torch.testing.assert_close(tuple(state.memory), tuple(expected.memory))
    torch.testing.assert_close(state.time, expected.time)


@pytest.mark.parametrize("embedding", [None, "sine"])
@pytest.mark.parametrize("num_steps", [1, 2, 11])
def test_the_step_count_is_that_of_counting(num_steps, embedding):
    net = _make(embedding=embedding)
    obs, start = _inputs(steps=num_steps, starts=0.3)
    time = torch.tensor([[0], [1], [5], [40], [3], [9]])
    counted = _naive_steps(time, start)
    torch.testing.assert_close(steps_in_episode(time, num_steps, start), counted)
    state = net.initial_state(6)._replace(time=time)
    torch.testing.assert_close(net(obs, state, start)[2].time, counted[:, -1:] + 1)
    torch.testing.assert_close(net(obs, state)[2].time, time + num_steps)


def test_the_network_is_the_chain_of_its_parts():
    net = _make("gru")
    obs, _ = _inputs()
    state = net.initial_state(6)._replace(time=torch.full((6, 1), 4))
    t = torch.arange(4, 15).expand(6, 11)
    x = 0.5 * net.feature_map(obs) + 0.5 * net.embedding(t)
    y, hidden = net.core.gru(net.preprocessor(x))
    logits, values, after = net(obs, state)
    torch.testing.assert_close(logits, net.actor_head(net.actor(y)))
    torch.testing.assert_close(values, net.critic_head(net.critic(y))[..., 0])
    torch.testing.assert_close(after.memory.hidden, hidden[0])


@pytest.mark.parametrize(("memory", "options"), MEMORIES)
@pytest.mark.parametrize("embedding", [None, "sine", "learned"])
def test_a_tape_is_its_episodes_played_one_by_one(memory, options, embedding):
    net = _make(memory, options, embedding)
    obs, start = _inputs(4, 13)
    # a state that an earlier episode left behind
    before = net(*_inputs(4, 5, seed=2)[:1], net.initial_state(4))[2]
    logits, values, state = net(obs, before, start)
    for b in range(4):
        row = type(before)(type(before.memory)(*(f[b : b + 1] for f in before.memory)),
                           before.time[b : b + 1])  # fmt: skip
        for t in range(13):
            row = net.initial_state(1) if start[b, t] else row
            expected_logits, expected_value, row = net(obs[b : b + 1, t : t + 1], row)
            torch.testing.assert_close(logits[b, t], expected_logits[0, 0])
            torch.testing.assert_close(values[b, t], expected_value[0, 0])
        torch.testing.assert_close(state.time[b], row.time[0])
        for field, expected in zip(state.memory, row.memory, strict=True):
            torch.testing.assert_close(field[b], expected[0])


@pytest.mark.parametrize(("memory", "options"), MEMORIES)
def test_chunks_of_a_rollout_are_one_rollout_gradients_included(memory, options):
    whole, cut = _make(memory, options), _make(memory, options)
    obs, start = _inputs(steps=12)
    logits, values, state = whole(obs, whole.initial_state(6), start)
    parts, at = [], cut.initial_state(6)
    for begin, end in [(0, 1), (1, 6), (6, 12)]:
        part_logits, part_values, at = cut(obs[:, begin:end], at, start[:, begin:end])
        parts.append((part_logits, part_values))
    cut_logits, cut_values = (torch.cat(p, 1) for p in zip(*parts, strict=True))
    torch.testing.assert_close(cut_logits, logits)
    torch.testing.assert_close(cut_values, values)
    _assert_states_equal(at, state)
    (logits.square().sum() + values.sum()).backward()
    (cut_logits.square().sum() + cut_values.sum()).backward()
    for (name, p), q in zip(whole.named_parameters(), cut.parameters(), strict=True):
        assert p.grad is not None, name
        torch.testing.assert_close(q.grad, p.grad)


@pytest.mark.parametrize(("memory", "options"), MEMORIES)
def test_padding_does_not_reach_the_state(memory, options):
    net = _make(memory, options)
    obs, _ = _inputs(steps=9)
    lens = torch.tensor([9, 1, 4, 8, 2, 0], dtype=torch.int32)
    before = net(*_inputs(steps=3, seed=2)[:1], net.initial_state(6))[2]
    obs[torch.arange(9) >= lens[:, None]] = float("nan")
    logits, values, state = net.forward_padded(obs, before, lens)
    for b, n in enumerate(lens.tolist()):
        row = type(before)(type(before.memory)(*(f[b : b + 1] for f in before.memory)),
                           before.time[b : b + 1])  # fmt: skip
        if n:
            alone_logits, alone_values, row = net(obs[b : b + 1, :n], row)
            torch.testing.assert_close(logits[b, :n], alone_logits[0])
            torch.testing.assert_close(values[b, :n], alone_values[0])
        assert state.time[b].tolist() == [3 + n]
        for field, expected in zip(state.memory, row.memory, strict=True):
            torch.testing.assert_close(field[b], expected[0])
    assert logits.shape == (6, 9, 3)
    assert values.shape == (6, 9)


@pytest.mark.parametrize(("memory", "options"), MEMORIES)
def test_a_state_survives_being_taken_apart_and_put_together(memory, options):
    net = _make(memory, options)
    state = net(*_inputs()[:1], net.initial_state(6))[2]
    tensors = net.flatten_state(state)
    assert all(tensor.shape[0] == 6 for tensor in tensors.values())
    again = net.unflatten_state(dict(reversed(tensors.items())))
    assert type(again) is type(state)
    assert type(again.memory) is type(state.memory)
    _assert_states_equal(again, state)


def test_the_tensors_of_a_state_are_named_by_their_path():
    net = _make("frameconv")
    assert list(net.flatten_state(net.initial_state(2))) == ["memory.frames", "time"]


def test_a_state_of_another_network_is_refused():
    gru, frameconv = _make("gru"), _make("frameconv")
    tensors = gru.flatten_state(gru.initial_state(2))
    with pytest.raises(ValueError, match=r"consists of memory\.frames, time; got memory\.hidden"):
        frameconv.unflatten_state(tensors)


def test_the_callers_tensors_are_not_written():
    net = _make("gru")
    obs, start = _inputs()
    with torch.no_grad():
        state = net(obs, net.initial_state(6))[2]
    kept = copy.deepcopy((obs, start, tuple(state.memory), state.time))
    net(obs, state, start)
    torch.testing.assert_close((obs, start, tuple(state.memory), state.time), kept)


@pytest.mark.parametrize(("memory", "options"), MEMORIES)
def test_bfloat16_autocast_gives_float32_close_to_full_precision(memory, options):
    net = _make(memory, options).float()
    obs, start = _inputs(starts=0)
    logits, values, _ = net(obs.float(), net.initial_state(6), start)
    with torch.autocast("cpu", torch.bfloat16):
        fast_logits, fast_values, state = net(obs.float(), net.initial_state(6), start)
    assert fast_logits.dtype == fast_values.dtype == torch.float32
    torch.testing.assert_close(fast_logits, logits, atol=0.2, rtol=0.05)
    torch.testing.assert_close(fast_values, values, atol=0.2, rtol=0.05)
    assert all(field.dtype == torch.float32 for field in state.memory)


def test_a_wrong_memory_or_option_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"'frameconf'; did you mean 'frameconv'\?"):
        ActorCritic(5, 3, "frameconf")
    with pytest.raises(ValueError, match=r"'stack_sise'; did you mean 'stack_size'\?"):
        ActorCritic(5, 3, "frameconv", {"stack_sise": 8})
