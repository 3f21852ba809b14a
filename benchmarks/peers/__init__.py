"""Who is compared with whom in ``training.py``: each contestant makes one PPO iteration a call."""
