"""The laws of stages, devices, bundles and features, as functions for any test suite.

What another package adds to rtpipe is held to the same laws::

    def test_my_stage():
        check_stage(MyStage(...), info)

Each function raises AssertionError, with a sentence, for the first law that is broken.
"""

from rtpipe.checks.bundle import check_bundle
from rtpipe.checks.device import check_device
from rtpipe.checks.feature import check_feature
from rtpipe.checks.signals import cut, noise
from rtpipe.checks.stage import check_stage

__all__ = [
    "check_stage",
    "check_device",
    "check_feature",
    "check_bundle",
    "noise",
    "cut",
]
