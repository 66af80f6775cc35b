"""The threads of a run. No other folder of rtpipe starts one."""
