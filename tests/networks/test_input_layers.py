"""From named arrays to features: normalisation, pictures, and masks on the actor's outputs."""

import pytest
import torch
from torch.distributions import Categorical

from popgym.networks import ActorCritic, NetworkOptions
from popgym.networks.distributions import Categorical as Ours
from popgym.networks.input_layers import InputLayers
from popgym.networks.normaliser import Normaliser
from popgym.networks.pictures import PictureEncoder

SMALL = NetworkOptions(hidden_size=16, preprocessor_input_size=16, actor=(16,), critic=(16,))


def test_features_do_not_depend_on_the_order_of_the_arrays():
    shapes = {"numbers": (3,), "measured": (2,), "picture0": (5, 5, 3)}
    one = InputLayers(shapes, "auto")
    other = InputLayers(dict(reversed(shapes.items())), "auto")
    other.load_state_dict(one.state_dict())
    inputs = {"numbers": torch.randn(2, 4, 3), "measured": torch.randn(2, 4, 2)}
    inputs["picture0"] = torch.randint(0, 11, (2, 4, 5, 5, 3), dtype=torch.uint8)
    features = one(inputs)
    assert features.shape == (2, 4, one.size) == (2, 4, 3 + 2 + 256)
    torch.testing.assert_close(other(dict(reversed(inputs.items()))), features)


def test_measured_numbers_are_normalised_and_clipped():
    normaliser = Normaliser(3)
    normaliser.mean.copy_(torch.tensor([1.0, -2.0, 0.0]))
    normaliser.deviation.copy_(torch.tensor([2.0, 0.5, 1.0]))
    x = torch.tensor([[3.0, -2.0, 1e30], [1.0, -1.0, -11.0]])
    assert normaliser(x).tolist() == [[1.0, 0.0, 10.0], [0.0, 2.0, -10.0]]


@pytest.mark.parametrize(
    ("shape", "encoder", "used"),
    [((7, 7, 3), "auto", "small"), ((84, 84, 4), "auto", "mnih"), ((36, 36, 1), "auto", "mnih"),
     ((35, 40, 1), "auto", "small"), ((84, 84, 3), "small", "small")],
)  # fmt: skip
def test_the_encoder_follows_from_the_size_of_the_picture(shape, encoder, used):
    auto, named = PictureEncoder(shape, encoder), PictureEncoder(shape, used)
    named.load_state_dict(auto.state_dict())
    picture = torch.randint(0, 256, (2, 3, *shape), dtype=torch.uint8)
    torch.testing.assert_close(auto(picture), named(picture))
    assert auto(picture).shape == (2, 3, 256)


@pytest.mark.parametrize(("encoder", "size"), [("small", (9, 7)), ("mnih", (40, 36))])
def test_an_encoder_sees_height_width_and_channels_as_they_are(encoder, size):
    """Against torch's layout [N, C, H, W], made by a copy."""
    encoder = PictureEncoder((*size, 2), encoder)
    picture = torch.randint(0, 256, (4, *size, 2), dtype=torch.uint8)
    features = picture.float() / 255
    if encoder.codes is not None:
        one_hot = torch.nn.functional.one_hot(picture.long(), 256).float()  # [N, H, W, C, 256]
        words = torch.einsum(
            "nhwck,ckd->nhwd", one_hot, encoder.codes.table.weight.view(2, 256, 16)
        )
        features = torch.cat([features, words], -1)
    x = features.permute(0, 3, 1, 2).contiguous()
    for convolution in encoder.convolutions:
        x = convolution(x).relu()
    expected = torch.nn.functional.linear(
        x.reshape(4, -1), encoder.linear.weight, encoder.linear.bias
    ).relu()
    torch.testing.assert_close(encoder(picture[None])[0], expected)


def test_a_picture_that_is_too_small_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"20 x 84 is too small.*36 x 36.*network.encoder=small"):
        PictureEncoder((20, 84, 3), "mnih")
    with pytest.raises(ValueError, match="unknown encoder 'minh'; did you mean 'mnih'"):
        NetworkOptions(encoder="minh")


def test_a_mask_leaves_only_what_is_allowed():
    net = ActorCritic({"numbers": (3,), "mask": (4,)}, 4, "gru", options=SMALL)
    mask = torch.tensor([[[True, False, True, False]], [[False, False, False, True]]])
    inputs = {"numbers": torch.randn(2, 1, 3), "mask": mask}
    logits, _, _ = net(inputs, net.initial_state(2))
    probabilities = Categorical(logits=logits[:, 0]).probs
    assert (probabilities[~mask[:, 0]] == 0).all()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2))
    free = net({**inputs, "mask": torch.ones(2, 1, 4, dtype=torch.bool)}, net.initial_state(2))[0]
    torch.testing.assert_close(probabilities[0, [0, 2]], free[0, 0, [0, 2]].softmax(-1))


def test_forbidden_choices_have_no_gradient_and_give_no_nan():
    outputs = torch.randn(5, 4, requires_grad=True)
    mask = torch.tensor([True, False, True, False]).expand(5, 4)
    logits, ours = outputs.masked_fill(~mask, -1e9), Ours(4)
    actions = ours.sample(logits.detach(), torch.Generator().manual_seed(0))
    assert set(actions.tolist()) <= {0, 2}
    loss = ours.log_prob(logits, actions).sum() + ours.entropy(logits).sum()
    loss = loss + ours.kl(logits.detach(), logits + 0.0).sum()
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient.isfinite().all() and (gradient[~mask] == 0).all()
    assert gradient[mask].abs().sum() > 0
