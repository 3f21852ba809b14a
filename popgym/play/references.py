"""Mean returns of reference players in an environment."""

from popgym.core.env import POPGymEnv
from popgym.envs.publish import Entry
from popgym.envs.registry import ENTRIES
from popgym.envs.scores import reference_scores


def published(env: POPGymEnv) -> Entry | None:
    """Return the registry entry of an environment; None for a user's own environment."""
    entry = ENTRIES.get(type(env).__name__)
    return entry if entry is not None and type(env) is entry.env_class else None


def references(env: POPGymEnv) -> dict[str, float]:
    """Return mean returns by player; empty if the task is not a published one."""
    entry = published(env)
    if entry is None:
        return {}
    same = entry.task().params_record().tobytes() == env.family.params_record().tobytes()
    if not same or env.max_episode_length != env.family.max_episode_length:
        return {}  # other constructor arguments: their scores were not measured
    scores = reference_scores(entry.name) or {}
    return {player: score.mean for player, score in scores.items()}
