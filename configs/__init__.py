"""Built-in configurations, read with `importlib.resources`."""
