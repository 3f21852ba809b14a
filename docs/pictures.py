"""Write docs/environments.png: a picture of each family, as its player sees it after 12 steps.

    python docs/pictures.py [--reveal]

With --reveal the pictures also show the hidden state.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import popgym.envs
from popgym.envs.registry import FAMILIES

STEPS, COLUMNS = 12, 4
TILE, GAP = (360, 300), 6  # pixels
GREY = (208, 208, 204)


def moment(name: str, reveal: bool) -> np.ndarray:
    """Return a picture [H, W, 3] of an environment after ``STEPS`` random actions."""
    env = popgym.envs.find(name).env_class()
    env.reset(seed=3)
    env.action_space.seed(1)
    for _ in range(STEPS):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    return env.picture(reveal)


def main() -> None:
    """Write the sheet of pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reveal", action="store_true", help="also show the hidden state")
    reveal = parser.parse_args().reveal
    width, height = TILE[0] + GAP, TILE[1] + GAP
    rows = -(-len(FAMILIES) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + GAP, rows * height + GAP), GREY)
    for i, family in enumerate(FAMILIES):
        name = family.__name__.removesuffix("Family") + "Easy"
        tile = Image.fromarray(moment(name, reveal))
        tile.thumbnail(TILE, Image.Resampling.LANCZOS)
        left, top = GAP + i % COLUMNS * width, GAP + i // COLUMNS * height
        sheet.paste(tile, (left + (TILE[0] - tile.width) // 2, top + (TILE[1] - tile.height) // 2))
    sheet.quantize(128).save(Path(__file__).with_name("environments.png"), optimize=True)


if __name__ == "__main__":
    main()
