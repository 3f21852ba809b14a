"""Environments played by people, and shown as animations."""
