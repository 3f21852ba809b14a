"""PPO for Frameconv in one plain PyTorch file, as one would write it by hand for this task.

The network, the hyperparameters and the data are the same as in popgym's PPO, and the layers are
torch's own. popgym's PPO additionally has ``advantage_floor`` and ``kl_cutoff``.
"""

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from torch import nn
from torch.nn import functional

from peers.task import ENV_ID, SETTINGS, Iteration, agent_input

B, T, W = SETTINGS.num_envs, SETTINGS.rollout, 4


def linear(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight)
    return layer


def head(outputs):
    last = nn.Linear(128, outputs)
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)
    return nn.Sequential(linear(256, 128), nn.LeakyReLU(), last)


class Frameconv(nn.Module):
    """The default network of popgym's PPO."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            linear(9, 128),
            nn.LayerNorm(128, elementwise_affine=False),
            linear(128, 128),
            nn.LeakyReLU(),
        )
        self.conv = nn.Conv1d(128, 256, W)
        self.actor, self.critic = head(4), head(1)

    def step(self, x, start, frames):
        """Compute one step [B, 9] after ``frames`` [B, W - 1, 128]; also return the next frames."""
        frames = frames * ~start[:, None, None]
        window = torch.cat([frames, self.encoder(x)[:, None]], 1)
        kernel = self.conv.weight.permute(2, 1, 0).flatten(0, 1)
        y = torch.addmm(self.conv.bias, window.flatten(1), kernel)
        return self.actor(y), self.critic(y)[:, 0], window[:, 1:]

    def forward(self, x, start, frames):
        """Compute T steps [B, T, 9]: one convolution, minus what leaks across episode starts."""
        frames = torch.cat([frames, self.encoder(x)], 1).mT  # [B, 128, W - 1 + T]
        y = functional.conv1d(frames, self.conv.weight, self.conv.bias).mT
        y = self._without_leaks(y, frames, start)
        return self.actor(y), self.critic(y)[..., 0]

    def _without_leaks(self, y, frames, start):
        """Subtract from the W - 1 outputs after each start the terms of frames before the start."""
        row, begin = start.nonzero(as_tuple=True)
        near = begin[:, None] + torch.arange(W - 1)
        before = frames[row[:, None], :, near].mT  # [starts, 128, W - 1]
        leak = functional.conv1d(functional.pad(before, (0, W - 1)), self.conv.weight).mT
        inside = near < start.shape[1]  # a window has at most one start: episodes are longer
        places = (row[:, None] * start.shape[1] + near)[inside]
        return y.flatten(0, 1).index_add(0, places, -leak[inside]).view_as(y)


class PlainPPO:
    """An agent and its environments."""

    def __init__(self, address=None):
        torch.manual_seed(0)
        self.env = gym.make_vec(ENV_ID, B, autoreset_mode=AutoresetMode.SAME_STEP)
        self.net = Frameconv()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=SETTINGS.lr, fused=True)
        card, _ = self.env.reset(seed=0)
        self.start = np.ones(B, bool)
        self.x = agent_input(card, card, self.start)
        self.frames = torch.zeros(B, W - 1, 128)
        self.returns = np.zeros(B)

    def iterate(self, epochs):
        """Sample a batch and train on it for ``epochs`` epochs."""
        frames, finished = self.frames, []
        batch, last_value = self.sample(finished)
        advantages, targets = self.advantages(batch, last_value)
        self.learn(batch, frames.clone(), advantages, targets, epochs)
        return Iteration(B * T, float(np.concatenate(finished).mean()))

    @torch.inference_mode()
    def sample(self, finished):
        """Play T steps in every environment; return arrays [B, T, ...] and the last values [B].

        Args:
            finished: The list to which the returns of ended episodes are appended.
        """
        x, start = np.empty((B, T, 9), np.float32), np.empty((B, T), bool)
        actions, done = np.empty((B, T), np.int64), np.empty((B, T), bool)
        log_probs, values, rewards = np.empty((3, B, T), np.float32)
        for t in range(T):
            x[:, t], start[:, t] = self.x, self.start
            logits, values[:, t] = self.act()
            log_p = logits.log_softmax(-1)
            action = (log_p - torch.empty_like(log_p).exponential_().log()).argmax(-1)
            log_probs[:, t] = log_p.gather(1, action[:, None])[:, 0].numpy()
            action = actions[:, t] = action.numpy()
            card, reward, self.start, _, _ = self.env.step(action)  # never truncates
            self.x = agent_input(card, action, self.start)
            rewards[:, t], done[:, t] = reward, self.start
            self.returns += reward
            if self.start.any():
                finished.append(self.returns[self.start])
                self.returns[self.start] = 0.0
        frames = self.frames
        _, last_value = self.act()
        self.frames = frames
        return (x, start, actions, log_probs, values, rewards, done), last_value

    def act(self):
        """Return logits and values [B] of the current inputs, and update the memory state."""
        x, start = torch.from_numpy(self.x), torch.from_numpy(self.start)
        logits, values, self.frames = self.net.step(x, start, self.frames)
        return logits, values.numpy()

    def advantages(self, batch, last_value):
        """Compute generalised advantage estimates and value targets, both [B, T]."""
        *_, values, rewards, done = batch
        following = np.concatenate([values[:, 1:], last_value[:, None]], 1) * ~done
        delta = rewards + np.float32(SETTINGS.gamma) * following - values
        carry = np.float32(SETTINGS.gamma * SETTINGS.gae_lambda) * ~done
        advantage, advantages = np.zeros(B, np.float32), np.empty((B, T), np.float32)
        for t in reversed(range(T)):
            advantages[:, t] = advantage = delta[:, t] + carry[:, t] * advantage
        return advantages, advantages + values

    def learn(self, batch, frames, advantages, targets, epochs):
        """Train on minibatches of whole rows, shuffled in each epoch."""
        x, start, actions, log_probs, *_ = batch
        advantages = (advantages - advantages.mean()) / advantages.std()
        columns = [torch.from_numpy(c) for c in (x, start, actions, log_probs, advantages, targets)]
        columns.append(frames)
        for _ in range(epochs):
            for rows in torch.randperm(B).split(SETTINGS.minibatch_size // T):
                loss = self.loss(*(column[rows] for column in columns))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), SETTINGS.grad_clip)
                self.optimizer.step()

    def loss(self, x, start, actions, log_probs, advantages, targets, frames):
        """Compute the PPO loss over rows of steps."""
        logits, values = self.net(x, start, frames)
        new = logits.log_softmax(-1).gather(-1, actions[..., None])[..., 0]
        ratio = (new - log_probs).exp()
        clipped = ratio.clamp(1 - SETTINGS.clip, 1 + SETTINGS.clip)
        policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
        error = (values - targets).square()
        return policy_loss + SETTINGS.value_coefficient * error.mean()
