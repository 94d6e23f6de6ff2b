"""What a test knows of a value better than its type does."""

import numpy as np

from ostiary.biometrics.window import Floats, Window


def known(figure: float | None) -> float:
    """Return a figure that was measured."""
    assert figure is not None
    return figure


def numbers(window: Window) -> Floats:
    """Return the rows of a window of keys or of a pointer."""
    assert isinstance(window.content, np.ndarray)
    return window.content


def features(window: Window) -> dict[str, tuple[float, ...]]:
    """Return the values of a window by feature."""
    assert isinstance(window.content, dict)
    return window.content
