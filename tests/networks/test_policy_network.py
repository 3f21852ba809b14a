import pytest
import torch
from torch import nn

from popgym.networks.policy_network import NetworkOptions, PolicyNetwork


def _make(observation_size=5, num_outputs=3, seed=0, **options):
    torch.manual_seed(seed)
    defaults = {"preprocessor_input_size": 16, "hidden_size": 12, "actor": (8,), "critic": (8,)}
    return PolicyNetwork(
        observation_size, num_outputs, NetworkOptions.from_dict({**defaults, **options})
    )


def _observed(network, obs):
    """The observation's features: Linear, then LayerNorm without weights, written out."""
    x = obs @ network.feature_map[0].weight.T + network.feature_map[0].bias
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()


OBS = torch.linspace(-2, 2, 40).view(2, 4, 5)
TIME = torch.tensor([[0, 1, 2, 3], [7, 8, 9, 2_000]])


def test_the_parts_are_in_the_order_of_their_use():
    network = _make(embedding="learned")
    assert [name for name, _ in network.named_children()] == [
        "feature_map", "embedding", "preprocessor", "postprocessor",
        "actor", "actor_head", "critic", "critic_head",
    ]  # fmt: skip
    network.core = nn.Identity()
    assert [name for name, _ in network.named_children()][3] == "core"


def test_features_without_embedding_are_the_normed_map():
    network = _make()
    torch.testing.assert_close(network.features(OBS, None), _observed(network, OBS))


def test_an_embedding_is_mixed_half_and_half_at_first():
    network = _make(embedding="sine")
    expected = 0.5 * _observed(network, OBS) + 0.5 * network.embedding(TIME)
    torch.testing.assert_close(network.features(OBS, TIME), expected)


def test_an_embedding_is_added_whole_without_mixing():
    network = _make(embedding="sine", scale_embedding=False)
    assert network.mixing is None
    expected = _observed(network, OBS) + network.embedding(TIME)
    torch.testing.assert_close(network.features(OBS, TIME), expected)


def test_only_the_last_features_carry_a_small_embedding():
    network = _make(embedding="sine", embedding_size=4)
    assert network.embedding(TIME).shape == (2, 4, 4)
    expected = 0.5 * _observed(network, OBS)
    expected[..., -4:] += 0.5 * network.embedding(TIME)
    torch.testing.assert_close(network.features(OBS, TIME), expected)


@pytest.mark.parametrize("scaled", [True, False])
def test_cat_concatenates_and_narrows_the_observations_map(scaled):
    network = _make(
        embedding="sine", embedding_size=4, embedding_mode="cat", scale_embedding=scaled
    )
    assert network.feature_map[0].out_features == 12
    s = 0.5 if scaled else 1.0
    expected = torch.cat([s * _observed(network, OBS), s * network.embedding(TIME)], -1)
    assert expected.shape == (2, 4, 16)
    torch.testing.assert_close(network.features(OBS, TIME), expected)


@pytest.mark.parametrize(("mixing", "s"), [(-100.0, 0.0), (0.0, 0.5), (100.0, 1.0)])
def test_the_mixing_weight_stays_between_0_and_1(mixing, s):
    network = _make(embedding="sine")
    nn.init.constant_(network.mixing, mixing)
    expected = (1 - s) * _observed(network, OBS) + s * network.embedding(TIME)
    torch.testing.assert_close(network.features(OBS, TIME), expected)


@pytest.mark.parametrize("options", [{"embedding_mode": "add"}, {"embedding_mode": "cat"}])
def test_the_mixing_weight_gets_the_gradient_of_its_formula(options):
    network = _make(embedding="sine", embedding_size=4, **options).double()
    obs, weights = OBS.double(), torch.randn(16, generator=torch.Generator().manual_seed(0))
    (network.features(obs, TIME) @ weights.double()).sum().backward()
    a = torch.zeros((), dtype=torch.float64, requires_grad=True)
    s, x, e = a.sigmoid(), _observed(network, obs).detach(), network.embedding(TIME)
    if options["embedding_mode"] == "cat":
        mixed = torch.cat([x * (1 - s), e * s], -1)
    else:
        mixed = x * (1 - s) + torch.cat([torch.zeros(2, 4, 12), e], -1) * s
    (mixed @ weights.double()).sum().backward()
    torch.testing.assert_close(network.mixing.grad, a.grad)


def test_without_an_embedding_there_is_no_mixing_weight_and_time_is_not_looked_at():
    network = _make()
    assert network.mixing is None
    assert network.embedding is None
    torch.testing.assert_close(network.features(OBS, TIME), network.features(OBS, None))


def test_heads_are_two_stacks_of_layers():
    network = _make(postprocessor=(10,), actor=(8, 7), critic=())
    y = torch.randn(2, 4, 12, generator=torch.Generator().manual_seed(0))

    def layer(x, linear):
        return nn.functional.leaky_relu(x @ linear.weight.T + linear.bias, 0.01)

    p = layer(y, network.postprocessor[0])
    a = layer(layer(p, network.actor[0]), network.actor[2])
    logits, value = network.heads(y)
    torch.testing.assert_close(logits, a @ network.actor_head.weight.T + network.actor_head.bias)
    torch.testing.assert_close(value, p @ network.critic_head.weight[0] + network.critic_head.bias)
    assert value.shape == (2, 4)


def test_any_leading_axes_are_kept():
    network = _make(embedding="sine")
    z = network.features(OBS[0, 0], TIME[0, 0])
    assert z.shape == (16,)
    logits, value = network.heads(torch.zeros(12))
    assert logits.shape == (3,)
    assert value.shape == ()


def test_linear_weights_start_orthogonal_and_the_heads_small():
    network = _make(
        hidden_size=256, preprocessor=(16,), actor=(256,), critic=(64,), num_outputs=300
    )
    for layer in (
        network.feature_map[0],
        network.preprocessor[0],
        network.actor[0],
        network.critic[0],
    ):
        weight = layer.weight.detach()
        narrow = weight if weight.shape[0] <= weight.shape[1] else weight.T
        torch.testing.assert_close(narrow @ narrow.T, torch.eye(len(narrow)), atol=1e-5, rtol=0)
    for head in (network.actor_head, network.critic_head):
        assert head.weight.std().item() == pytest.approx(0.01, rel=0.3)
        assert not head.bias.any()


def test_the_size_of_an_observation_is_not_lost_in_the_norm():
    """A LayerNorm after a map without bias would see only the direction."""
    network = _make(observation_size=1)
    one, two = network.features(torch.tensor([[1.0], [2.0]]), None)
    assert not torch.allclose(one, two, atol=0.01)


def test_heads_return_float32_under_autocast():
    network = _make(embedding="sine")
    with torch.autocast("cpu", torch.bfloat16):
        network.features(OBS, TIME)
        logits, value = network.heads(torch.randn(2, 4, 12))
    assert logits.dtype == value.dtype == torch.float32


def test_modules_are_copied_as_they_are():
    actor = nn.Sequential(nn.Linear(12, 6), nn.Tanh())
    before = actor[0].weight.detach().clone()
    network = _make(actor=actor, critic=(6,), postprocessor_output_size=6)
    assert network.actor is not actor
    torch.testing.assert_close(network.actor[0].weight, before)
    with torch.no_grad():
        network.actor[0].weight.zero_()
    torch.testing.assert_close(actor[0].weight, before)


def test_sizes_fit_themselves_to_a_module_before_them():
    network = _make(postprocessor=nn.Linear(12, 5), preprocessor=(7, 9))
    assert network.feature_size == 9
    assert network.actor[0].in_features == 5
    assert network.critic[0].in_features == 5


def test_actor_and_critic_are_one_layer_each_unless_told_otherwise():
    network = _make(actor=None, critic=None, postprocessor_output_size=6)
    for part, head in [(network.actor, network.actor_head), (network.critic, network.critic_head)]:
        assert (part[0].in_features, part[0].out_features, head.in_features) == (12, 6, 6)
        assert isinstance(part[1], nn.LeakyReLU)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preprocessor_output_size": 7}, "the preprocessor turns 16 features into 16, but"),
        ({"postprocessor_output_size": 7}, "the actor turns 12 features into 8, but"),
    ],
)
def test_an_output_size_that_contradicts_the_layer_sizes_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _make(**options)


@pytest.mark.parametrize(
    ("part", "module", "message"),
    [
        ("preprocessor", nn.Linear(16, 7), r"into 7, but preprocessor_output_size is 256; set it"),
        ("actor", nn.Linear(12, 7), r"into 7, but postprocessor_output_size is 256; set it to 7"),
        ("critic", nn.Linear(13, 7), r"critic given does not take features \[B, T, 12\]"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(part, module, message):
    with pytest.raises(ValueError, match=message):
        _make(**{part: module})


def test_checking_a_module_leaves_it_in_training_mode():
    network = _make(preprocessor=nn.Sequential(nn.Linear(16, 16), nn.Dropout()),
                   preprocessor_output_size=16)  # fmt: skip
    assert network.preprocessor.training
    assert network.preprocessor[1].training


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hiden_size": 8}, ValueError, "unknown option 'hiden_size'; did you mean 'hidden_size'"),
        ({"hidden_size": 0}, ValueError, "hidden_size must be at least 1, got 0"),
        ({"hidden_size": 8.0}, TypeError, "hidden_size must be an integer, got 8.0"),
        ({"actor": 64}, TypeError, "actor must be a module or a list of layer sizes, got 64"),
        ({"actor": (0,)}, ValueError, "every layer size of actor must be at least 1"),
        ({"embedding": "sin"}, ValueError, "did you mean 'sine'"),
        ({"embedding_mode": "mul"}, ValueError, 'must be "add" or "cat", got \'mul\''),
        ({"embedding": "sine", "embedding_mode": "cat"}, ValueError, "needs embedding_size"),
        ({"embedding": "sine", "embedding_size": 17}, ValueError, "leaves no room"),
        (
            {"embedding": "sine", "embedding_mode": "cat", "embedding_size": 16},
            ValueError,
            "leaves no room",
        ),
        ({"scale_embedding": "yes"}, TypeError, "scale_embedding must be a bool, got 'yes'"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        _make(**options)


def test_options_are_frozen():
    with pytest.raises(AttributeError):
        NetworkOptions().hidden_size = 3
