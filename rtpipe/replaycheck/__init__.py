"""Replay as the truth test: what a recording says was decided, against its replay."""
