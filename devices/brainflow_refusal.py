"""What BrainFlow's exit codes mean, in a sentence that says what to do."""

from collections.abc import Mapping
from typing import Any

from rtpipe.errors import ConfigError, DeviceError, DeviceNotFound

from .brainflow_sdk import sdk


def refusal(board: str, code: int, parameters: Mapping[str, Any]) -> Exception:
    """Return the error for a board that BrainFlow could not open.

    Parameters
    ----------
    board : str
    code : int
        One of ``BrainFlowExitCodes``.
    parameters : mapping
        What it was opened with.
    """
    name = sdk().BrainFlowExitCodes(code).name
    told = ", ".join(f"{key} = {value!r}" for key, value in parameters.items() if value)
    with_ = f" with {told}" if told else ""
    if name == "UNSUPPORTED_BOARD_ERROR":
        return ConfigError(f"BrainFlow cannot run {board} on this system")
    if name == "INVALID_ARGUMENTS_ERROR":
        return ConfigError(
            f"BrainFlow cannot open {board}{with_}: it lacks a setting or has a wrong "
            "one; boards with a dongle want device.serial_port, others "
            "device.mac_address, device.ip_address or device.ip_port"
        )
    if name == "ANOTHER_BOARD_IS_CREATED_ERROR":
        return DeviceError(
            f"{board}{with_} is open already: give it a setting that tells it from the "
            "other one, or name it once"
        )
    if name in ("UNABLE_TO_OPEN_PORT_ERROR", "SER_PORT_ERROR"):
        what = (
            f"the port {parameters['serial_port']} cannot be opened: is the dongle "
            "plugged in, no other program using it, and may you read it (on Linux: the "
            "group dialout)?"
            if parameters.get("serial_port")
            else "no port or Bluetooth adapter could be opened: plug one in, or switch "
            "Bluetooth on"
        )
        return DeviceNotFound(f"{board} was not found: {what}")
    return DeviceNotFound(
        f"{board} did not answer{with_} (BrainFlow: {name}): switch it on, bring it "
        "near, and see that its settings are right"
    )
