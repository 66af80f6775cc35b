"""XDF, the extensible data format of LSL's recorders: its bytes, and nothing else.

The format: https://github.com/sccn/xdf/wiki/Specifications (version 1.0).
"""
