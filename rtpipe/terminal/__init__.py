"""The terminal view: a sink that draws. One file a part of the picture."""
