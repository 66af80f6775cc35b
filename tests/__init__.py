"""The tests; what several files of them share stands beside them, or in conftest."""
