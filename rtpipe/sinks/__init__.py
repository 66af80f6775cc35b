"""Sinks, one a file; see `rtpipe.sink.Sink` for the contract."""
