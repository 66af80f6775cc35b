"""Every error rtpipe raises on purpose, and the exit status each one means.

* RtpipeError           2  wrong use or wrong input
  * ConfigError         2  a file, option or name that cannot describe a run
  * RecordingError      2  a file that is not the recording it should be
  * RecordingStopped    4  a recording that did not get to the end of its run
  * BundleError         2  a model file that is none, or does not fit the stream
  * DeviceError         3  the hardware or its driver
    * DeviceNotFound    3  nothing answered within the time allowed
    * DeviceLost        3  it answered once, and stopped
* Overrun                  a reader of a ring was overtaken; counted, never shown
"""


class RtpipeError(Exception):
    """Base of every error that is shown as one sentence, without a traceback."""

    exit_status = 2


class ConfigError(RtpipeError):
    """A configuration, option or name that does not describe a run."""


class RecordingError(RtpipeError):
    """A file or folder that is not the recording it was taken for."""


class RecordingStopped(RtpipeError):  # noqa: N818 (reads better at the raise)
    """A recording that stopped before its run: what came later is not in its file.

    Parameters
    ----------
    why : dict of str to str
        By file.
    """

    exit_status = 4

    def __init__(self, why: dict[str, str]) -> None:
        told = "; ".join(f"{file}: {each}" for file, each in why.items())
        super().__init__(f"a recording stopped before its run: {told}")


class BundleError(RtpipeError):
    """A model file that is no bundle, or a bundle that does not fit a stream."""


class DeviceError(RtpipeError):
    """A failure of a device or of its driver."""

    exit_status = 3


class DeviceNotFound(DeviceError):  # noqa: N818 (reads better at the raise)
    """No such device answered within the time allowed."""


class DeviceLost(DeviceError):  # noqa: N818
    """A device that was streaming stopped answering."""


class Overrun(Exception):  # noqa: N818
    """The samples asked for were overwritten before or while they were read."""


def last_line(error: BaseException) -> str:
    """Return what an error says, in one line; some libraries write pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
