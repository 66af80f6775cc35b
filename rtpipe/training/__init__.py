"""Recipes that make bundles, and the evaluation of bundles.

A recipe is a function ``train(out, ...)``, registered under its name; its keyword
parameters are what ``--data`` and ``--set`` may give. It leaves ``NAME.pt``,
``card.json``, ``metrics.json`` and pictures in the folder `out`.
"""
