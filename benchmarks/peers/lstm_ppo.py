"""PPO with an LSTM in one plain PyTorch file, in the manner of CleanRL's ``ppo_atari_lstm``.

Its own settings are those of that script with one change: the observation is a short vector, so a
linear layer of 128 units replaces the convolutions. Minibatches are whole environments, as there.
Box actions come from a normal distribution with a learned deviation, as in
``ppo_continuous_action``, and are clipped to the space.
"""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, flatdim
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import nn
from torch.distributions import Categorical, Independent, Normal

from peers.until import make_watched

HIDDEN = 128
CLIP, ENTROPY, VALUE, GRAD_NORM = 0.1, 0.01, 0.5, 0.5


class Numbers(NamedTuple):
    """The settings that popgym has too; the defaults are those of ``ppo_atari_lstm``."""

    num_envs: int = 8
    rollout: int = 128
    minibatch_size: int = 256
    epochs: int = 4
    lr: float = 2.5e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    anneal: bool = True
    """Whether the learning rate falls linearly to 0 at the most steps of the run."""


def layer(inputs, outputs, gain=2**0.5):
    made = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


class Agent(nn.Module):
    """Encoder, LSTM, and the heads for the policy and the value."""

    def __init__(self, obs_space, action_space):
        super().__init__()
        self.encoder = nn.Sequential(layer(flatdim(obs_space), HIDDEN), nn.ReLU())
        self.lstm = nn.LSTM(HIDDEN, HIDDEN)
        for name, weight in self.lstm.named_parameters():
            nn.init.zeros_(weight) if "bias" in name else nn.init.orthogonal_(weight, 1.0)
        self.discrete = isinstance(action_space, Discrete)
        outputs = int(action_space.n) if self.discrete else flatdim(action_space)
        self.actor, self.critic = layer(HIDDEN, outputs, 0.01), layer(HIDDEN, 1, 1.0)
        self.log_std = nn.Parameter(torch.zeros(outputs))

    def forward(self, obs, start, state):
        """Compute T steps: obs [T, B, F] and start [T, B] to distribution, values and state."""
        x, outputs = self.encoder(obs), []
        for x_t, start_t in zip(x, start, strict=True):
            keep = (1.0 - start_t)[None, :, None]
            y_t, state = self.lstm(x_t[None], (keep * state[0], keep * state[1]))
            outputs.append(y_t)
        y = torch.cat(outputs)
        return self.distribution(self.actor(y)), self.critic(y)[..., 0], state

    def distribution(self, outputs):
        """Return the action distribution of the actor's outputs."""
        if self.discrete:
            return Categorical(logits=outputs)
        return Independent(Normal(outputs, self.log_std.exp()), 1)


class Batch(NamedTuple):
    """A rollout, all of [T, B, ...]."""

    obs: torch.Tensor
    start: torch.Tensor
    actions: torch.Tensor
    log_probs: torch.Tensor
    values: torch.Tensor
    advantages: torch.Tensor


class Trainer:
    """An agent and its environments.

    Args:
        make: Makes an environment.
        numbers: The settings.
        seed: Seed of the weights, environments, actions and minibatches.
    """

    def __init__(self, make, numbers, seed):
        torch.manual_seed(seed)
        self.numbers = numbers
        self.envs = SyncVectorEnv([make] * numbers.num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
        self.obs_space = self.envs.single_observation_space
        self.action_space = self.envs.single_action_space
        self.agent = Agent(self.obs_space, self.action_space)
        self.optimizer = torch.optim.Adam(self.agent.parameters(), lr=numbers.lr, eps=1e-5)
        obs, _ = self.envs.reset(seed=seed)
        self.obs, self.start = self.encode(obs), torch.ones(numbers.num_envs)
        self.state = tuple(torch.zeros(2, 1, numbers.num_envs, HIDDEN))

    def encode(self, obs):
        """Return observations as rows [B, F]; a number becomes a one-hot vector."""
        if isinstance(self.obs_space, Discrete):
            obs = np.eye(self.obs_space.n)[obs - self.obs_space.start]
        return torch.as_tensor(obs.reshape(len(obs), -1), dtype=torch.float32)

    def to_env(self, action):
        """Return actions as the environments take them."""
        if isinstance(self.action_space, Discrete):
            return action.numpy() + self.action_space.start
        clipped = np.clip(
            action.numpy(), self.action_space.low.ravel(), self.action_space.high.ravel()
        )
        return clipped.reshape(len(action), *self.action_space.shape)

    @torch.no_grad()
    def sample(self):
        """Play a rollout; return it and the state that it began with."""
        first, steps = self.state, []
        for _ in range(self.numbers.rollout):
            obs, start = self.obs, self.start
            policy, value, self.state = self.agent(obs[None], start[None], self.state)
            action = policy.sample()
            answer = self.envs.step(self.to_env(action[0]))
            self.obs = self.encode(answer[0])
            self.start = torch.as_tensor(answer[2] | answer[3], dtype=torch.float32)
            reward = torch.as_tensor(answer[1], dtype=torch.float32)
            log_prob = policy.log_prob(action)[0]
            steps.append((obs, start, action[0], log_prob, value[0], reward, self.start))
        *known, rewards, done = map(torch.stack, zip(*steps, strict=True))
        return Batch(*known, self.advantages(known[-1], rewards, done)), first

    def advantages(self, values, rewards, done):
        """Return generalised advantage estimates [T, B]; truncation counts as termination."""
        n = self.numbers
        _, last, _ = self.agent(self.obs[None], self.start[None], self.state)
        following = torch.cat([values[1:], last])
        delta = rewards + n.gamma * following * (1 - done) - values
        advantage, result = torch.zeros(n.num_envs), torch.empty_like(values)
        for t in reversed(range(len(values))):
            advantage = delta[t] + n.gamma * n.gae_lambda * (1 - done[t]) * advantage
            result[t] = advantage
        return result

    def learn(self, batch, state):
        """Train on minibatches of whole environments."""
        n = self.numbers
        for _ in range(n.epochs):
            for rows in torch.randperm(n.num_envs).split(max(1, n.minibatch_size // n.rollout)):
                part = Batch(*(column[:, rows] for column in batch))
                loss = self.loss(part, tuple(s[:, rows] for s in state))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.agent.parameters(), GRAD_NORM)
                self.optimizer.step()

    def loss(self, batch, state):
        """Compute PPO's loss, with the value loss clipped as well."""
        policy, values, _ = self.agent(batch.obs, batch.start, state)
        advantages = batch.advantages
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        ratio = (policy.log_prob(batch.actions) - batch.log_probs).exp()
        gain = torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
        targets = batch.advantages + batch.values
        near = batch.values + (values - batch.values).clamp(-CLIP, CLIP)
        error = torch.max((values - targets) ** 2, (near - targets) ** 2)
        return -gain.mean() + VALUE * 0.5 * error.mean() - ENTROPY * policy.entropy().mean()


def for_box_actions(make, gamma):
    """Return ``make`` with observations and rewards normalised, as in ``ppo_continuous_action``."""

    def normalised():
        env = gym.wrappers.NormalizeObservation(make())
        env = gym.wrappers.TransformObservation(
            env, lambda obs: np.clip(obs, -10, 10), env.observation_space
        )
        env = gym.wrappers.NormalizeReward(env, gamma=gamma)
        return gym.wrappers.TransformReward(env, lambda reward: np.clip(reward, -10, 10))

    return normalised


def train(job, until):
    """Train until ``until`` ends the run."""
    numbers = Numbers()
    if job["settings"] == "popgym":
        names = numbers._asdict().keys() & job["popgym"].keys()
        numbers = Numbers(**{name: job["popgym"][name] for name in names}, anneal=False)
    make = make_watched(job["environment"], until)
    if isinstance(make().action_space, Box):
        make = for_box_actions(make, numbers.gamma)
    trainer = Trainer(make, numbers, job["seed"])
    while True:
        if numbers.anneal:
            left = max(0.0, 1 - until.steps / job["max_steps"])
            trainer.optimizer.param_groups[0]["lr"] = left * numbers.lr
        trainer.learn(*trainer.sample())
