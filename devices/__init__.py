"""Device adapters, one a file; see `rtpipe.device.Device` for the contract."""
