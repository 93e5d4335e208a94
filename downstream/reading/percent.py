"""How commands print a score that may be undefined."""


def percent(value: float | None) -> str:
    """Two decimals; ``-`` where there is nothing to score."""
    return "-" if value is None else f"{value:.2f}"
