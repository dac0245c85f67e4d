"""What an exception says, whatever its own code does: each becomes an answer."""

from __future__ import annotations

# An exception may hold the data that it complains of.
MOST_CHARACTERS = 16_384


def said(error: BaseException) -> str:
    """Return an exception's text, as UTF-8 can have it."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # noqa: BLE001  it is the user's code too
        text = f"its text cannot be had: {type(failure).__name__}"
    # Halves of surrogate pairs, as of file names and broken input, have no form in UTF-8.
    return text[:MOST_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def described(error: BaseException) -> dict[str, str]:
    """Return an exception as it stands in a frame's header."""
    return {"type": type(error).__name__, "message": said(error)}
