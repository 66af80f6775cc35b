"""A duration in the digits that matter."""


def milliseconds(seconds: float | None) -> str:
    """Return a duration in milliseconds; from ten seconds on, in seconds."""
    if seconds is None:
        return "—"
    value = seconds * 1e3
    if abs(value) >= 1e4:
        return f"{seconds:,.0f} s"
    return f"{value:.1f} ms" if abs(value) < 9.95 else f"{value:,.0f} ms"


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, with hours where there are."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
