"""The stages, one a file: each keeps the laws of `rtpipe.stage.Stage`."""
