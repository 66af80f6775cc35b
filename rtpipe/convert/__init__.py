"""Recordings as EDF, BDF, FIF, CSV and BIDS, for the programs of others."""
