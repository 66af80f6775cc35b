"""Layouts of recordings, one a file; see `rtpipe.recording.Layout`."""
