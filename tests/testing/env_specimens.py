"""A lawful family, and specimens of it each of which breaks one law."""

import numpy as np
from gymnasium import Env
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core import Family, POPGymEnv, POPGymVectorEnv, Rules, rule
from popgym.core.hidden import Numbers
from popgym.core.random import integer


@rule
def sample(s, p):
    """Draws a secret, and what is to be added to it."""
    s.secret, s.offset = integer(s, 4), integer(s, 4)


@rule
def reset(s, p):
    """No step played."""
    s.steps = 0


@rule
def step(s, p, guess):
    """Pays for the sum."""
    s.steps += 1
    return p.prize[0] if guess == (s.secret + s.offset) % 4 else 0.0, False, s.steps == p.limit


@rule
def observe(s, p, obs):
    """The secret at the start only, and noise."""
    obs[0] = s.secret if s.steps == 0 else 4
    obs[1] = integer(s, 3)


class Lawful(Family):
    """Keep in mind what was shown at the start, and find what is to be added."""

    rules = Rules(sample, reset, step, observe)
    presets = {"Easy": {}, "Hard": {"length": 9}}  # noqa: RUF012
    group = "DIAGNOSTIC"
    picture_size = (40, 30)

    def __init__(self, length=6):
        self.observation_space = MultiDiscrete([5, 3])
        self.action_space = Discrete(4)
        self.state_space = MultiDiscrete([4, 4, 99])
        self.max_episode_length = length
        self.return_bounds = (0.0, 1.0)
        self.params = {"limit": length, "prize": np.array([1 / length])}
        self.fields = {"secret": np.int32, "offset": np.int32, "steps": np.int32}
        self.hidden = {key: Numbers(0, 3, whole=True) for key in ("secret", "offset")}

    def state(self, records):
        parts = [records[name] for name in ("secret", "offset", "steps")]
        return np.stack(parts, axis=1).astype(np.int64)

    def draw(self, record, reveal=False):
        return f"step {record['steps']}" + f" offset {record['offset']}" * reveal

    def paint(self, canvas, record, reveal=False):
        canvas.rectangle(0, 0, 4 * int(record["steps"]), 9, (0, 0, 0))
        if reveal:
            canvas.circle(20, 20, 2 + int(record["offset"]), (0, 0, 0))


class LawfulEnv(POPGymEnv):
    """A single environment whose subclasses break laws that rules cannot break."""

    def __init__(self):
        super().__init__(Lawful())


class Plain(Env):
    """A lawful environment that is none of popgym's: guess what the coin shows, three times."""

    observation_space, action_space = Discrete(2), Discrete(2)
    max_episode_length = 3

    def __init__(self):
        self.coin = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.toss(), {"coins": 1}

    def toss(self):
        self.coin = int(self.np_random.integers(2))
        return self.coin

    def step(self, action):
        self.steps += 1
        return self.toss(), float(action == self.coin), self.steps == 3, False, {"coins": 1}


# ---- what is shown


class ReturnsFour(Plain):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or truncated, info


class FlagsAreNumbers(LawfulEnv):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, int(terminated), int(truncated), info


@rule
def observe_beyond(s, p, obs):
    """One too much."""
    obs[0] = s.secret if s.steps == 0 else 5
    obs[1] = 0


class ObservesBeyondItsSpace(Lawful):
    """Shows what is outside the observation space."""

    rules = Rules(sample, reset, step, observe_beyond)


class ObservesAnotherType(LawfulEnv):
    def step(self, action):
        observation, *results = super().step(action)
        return (observation.astype(np.int32), *results)


class ObservesAnotherShape(LawfulEnv):
    def reset(self, **kwargs):
        observation, info = super().reset(**kwargs)
        return observation[:1], info


class PaysInfinitely(Plain):
    def step(self, action):
        observation, _, *results = super().step(action)
        return (observation, np.inf, *results)


class LendsItsArray(LawfulEnv):
    def reset(self, **kwargs):
        self.lent, info = super().reset(**kwargs)
        return self.lent, info

    def step(self, action):
        observation, *results = super().step(action)
        self.lent[:] = observation
        return (self.lent, *results)


class StateIsBeyondItsSpace(Lawful):
    """Tells a state that is outside the state space."""

    def __init__(self, length=6):
        super().__init__(length)
        self.state_space = MultiDiscrete([4, 4, 3])


class LeaksTheRewardInInfo(LawfulEnv):
    def step(self, action):
        *results, _ = super().step(action)
        return (*results, {"secret": self.get_state()[0]})


# ---- chance and time


class DrawsGlobally(Plain):
    def toss(self):
        self.coin = int(np.random.randint(2))
        return self.coin


class SeedsGlobally(Plain):
    def reset(self, *, seed=None, options=None):
        if seed is not None:
            np.random.seed(seed)
        return super().reset(seed=seed)


class IgnoresItsSeed(Plain):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None)


class CountsItsEpisodes(Plain):
    episodes = 0

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        self.episodes += 1
        return (observation, info) if self.episodes % 3 else (1 - observation, info)


class RepeatsItself(Plain):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=0 if seed is None else seed)


@rule
def step_longer(s, p, guess):
    """Ends one step late."""
    s.steps += 1
    return 0.0, s.steps == p.limit + 1, False


class LastsTooLong(Lawful):
    """Ends one step late."""

    rules = Rules(sample, reset, step_longer, observe)


@rule
def step_forever(s, p, guess):
    """Ends never."""
    s.steps = min(s.steps + 1, 90)
    return 0.0, False, False


class NeverEnds(Lawful):
    """Ends never."""

    rules = Rules(sample, reset, step_forever, observe)


# ---- a family's word


class IsNotDescribed(Lawful):
    pass


class HidesNoField(Lawful):
    """Names a hidden draw that no field holds."""

    def __init__(self, length=6):
        super().__init__(length)
        self.hidden = {"treasure": Numbers(0, 3, whole=True)}


class PresetIsRefused(Lawful):
    """Has a preset that its constructor refuses."""

    presets = {"Easy": {"lenght": 3}}  # noqa: RUF012


class ForgetsItsBounds(Lawful):
    """Does not say what can be earned."""

    def __init__(self, length=6):
        super().__init__(length)
        del self.return_bounds


class PaysMoreThanItSays(Lawful):
    """Pays more than its bounds."""

    def __init__(self, length=6):
        super().__init__(length)
        self.return_bounds = (0.0, 0.1)


# ---- refusals


class ClipsActions(LawfulEnv):
    def step(self, action):
        return super().step(min(action, 3) if isinstance(action, (np.integer, int)) else action)


class FailsOnActions(LawfulEnv):
    def step(self, action):
        ("left", "right", "up", "down")[action]
        return super().step(action)


class StepsAfterTheEnd(LawfulEnv):
    def step(self, action):
        if self.snapshot()["truncated"][0]:
            self.reset()
        return super().step(action)


class Anything(Numbers):
    """A field of a hidden draw that checks nothing."""

    def accepts(self, values):
        return True


class AcceptsAnyDraw(Lawful):
    """Takes any secret."""

    def __init__(self, length=6):
        super().__init__(length)
        self.hidden = {key: Anything(0, 3, whole=True) for key in self.hidden}


# ---- where the state is


@rule
def reset_with_params(s, p):
    """Counts the episodes of all environments together."""
    s.steps = 0
    p.prize[0] *= 0.5


class WritesIntoItsParameters(Lawful):
    """Keeps a count where all environments share it."""

    rules = Rules(sample, reset_with_params, step, observe)


class CountsOutsideTheRecord(LawfulEnv):
    steps = 0

    def reset(self, **kwargs):
        self.steps = 0
        return super().reset(**kwargs)

    def step(self, action):
        observation, reward, *results = super().step(action)
        self.steps += 1
        return (observation, reward + (0.01 if self.steps == 5 else 0.0), *results)


class CannotBePickled(LawfulEnv):
    def __init__(self):
        super().__init__()
        self.reward = lambda reward: reward


class IsCopiedHalf(LawfulEnv):
    def __deepcopy__(self, memo):
        twin = type(self)()
        twin.reset(seed=0)
        return twin


@rule
def reset_by_chance(s, p):
    """Draws what is not declared as hidden."""
    s.steps = integer(s, 3)


class DrawsInReset(Lawful):
    """Draws something that cannot be given."""

    rules = Rules(sample, reset_by_chance, step, observe)


# ---- many


class StateIsRelative(Lawful):
    """Tells its state in relation to all others."""

    def state(self, records):
        state = super().state(records)
        return np.abs(state - state.min(axis=0))


class PaysByPlace(POPGymVectorEnv):
    def __init__(self, num_envs, **options):
        super().__init__(Lawful(), num_envs, **options)

    def step(self, actions):
        observations, rewards, *results = super().step(actions)
        return (observations, rewards * (1 + np.arange(self.num_envs)), *results)


class ManyPayByPlace(LawfulEnv):
    vector_class = PaysByPlace


class PaysOneMore(LawfulEnv):
    def step(self, action):
        observation, reward, *results = super().step(action)
        return (observation, reward * 0.9, *results)


class ShowsTheNextAsTheLast(POPGymVectorEnv):
    def __init__(self, num_envs, **options):
        super().__init__(Lawful(), num_envs, **options)

    def get_final_state(self):
        return self.get_state()


class ManyShowTheNextAsTheLast(LawfulEnv):
    vector_class = ShowsTheNextAsTheLast


class LosesAThread(POPGymVectorEnv):
    def __init__(self, num_envs, threads, **options):
        super().__init__(Lawful(), num_envs, **options)
        self.threads = threads

    def step(self, actions):
        observations, rewards, *results = super().step(actions)
        return (observations, rewards * (not self.threads), *results)


class ManyLoseAThread(LawfulEnv):
    vector_class = LosesAThread


@rule
def step_in_single_precision(s, p, guess):
    """Multiplies what numba counts in double and numpy in single precision."""
    s.steps += 1
    s.share = 0.1
    return s.share * 0.3, False, s.steps == p.limit


class RoundsAsItIsRun(Lawful):
    """Rounds otherwise when it is compiled."""

    rules = Rules(sample, reset, step_in_single_precision, observe)

    def __init__(self, length=6):
        super().__init__(length)
        self.fields = {**self.fields, "share": np.float32}


# ---- drawings


class DrawsTheSecret(Lawful):
    """Shows the secret in the text."""

    def draw(self, record, reveal=False):
        return super().draw(record, reveal=True) + "!" * reveal


class RevealsNothing(Lawful):
    """Has nothing to reveal in the text."""

    def draw(self, record, reveal=False):
        return super().draw(record)


class CannotBeDrawn(Lawful):
    """Fails to draw."""

    def draw(self, record, reveal=False):
        return "ABCD"[record["steps"]]


class PaintsTheSecret(Lawful):
    """Shows the secret in the picture."""

    def paint(self, canvas, record, reveal=False):
        super().paint(canvas, record, reveal=True)
        if reveal:
            canvas.rectangle(0, 20, 9, 9, (0, 0, 0))


class CannotBePainted(Lawful):
    """Fails to paint after some steps."""

    def paint(self, canvas, record, reveal=False):
        super().paint(canvas, record, reveal)
        canvas.rectangle(0, 20, 5, 5, ((0, 0, 0), (9, 9, 9))[record["steps"]])
