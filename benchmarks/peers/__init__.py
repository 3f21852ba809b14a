"""The contestants of ``training.py``; each makes one PPO iteration per call."""
