"""Adapters for other packages: :mod:`bonas.integrations.optuna` and :mod:`bonas.integrations.ray`."""
