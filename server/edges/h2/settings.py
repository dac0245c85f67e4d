"""What a client's SETTINGS say.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.5
"""

from __future__ import annotations

from server.edges.h2.codes import (
    ACK,
    DEFAULT_FRAME_SIZE,
    ENABLE_PUSH,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME_SIZE,
    LARGEST_WINDOW,
    MAX_FRAME_SIZE,
    ErrorCode,
    H2Error,
)
from server.edges.h2.frames import SETTING

# By the setting, the least and the most that it may be, and how what is neither is called.
_RANGES = {
    ENABLE_PUSH: (0, 1, ErrorCode.PROTOCOL_ERROR),
    INITIAL_WINDOW_SIZE: (0, LARGEST_WINDOW, ErrorCode.FLOW_CONTROL_ERROR),
    MAX_FRAME_SIZE: (DEFAULT_FRAME_SIZE, LARGEST_FRAME_SIZE, ErrorCode.PROTOCOL_ERROR),
}


def read_settings(flags: int, stream: int, payload: bytes) -> dict[int, int]:
    """Return the values by their settings; of several values of one, the last.

    Raises:
        H2Error: they are none that a client may send.
    """
    if stream:
        raise H2Error(ErrorCode.PROTOCOL_ERROR, "SETTINGS has a stream")
    if len(payload) % SETTING.size or (flags & ACK and payload):
        raise H2Error(ErrorCode.FRAME_SIZE_ERROR, f"SETTINGS has {len(payload)} bytes")
    values: dict[int, int] = {}
    for setting, value in SETTING.iter_unpack(payload):
        least, most, code = _RANGES.get(setting, (0, value, ErrorCode.NO_ERROR))
        if not least <= value <= most:
            raise H2Error(code, f"setting {setting} is {value}: it must be from {least} to {most}")
        values[setting] = value
    return values
