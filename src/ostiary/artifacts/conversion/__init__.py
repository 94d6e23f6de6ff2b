"""The one way from a pickle to something that may be loaded: inside a sandbox, and judged again when it comes out.

1. A refused file is not converted; a safe one need not be.
2. ``program`` reads the file in a sandbox without network, host files or rights (``ConversionSandbox``). It makes stubs
   of the names on the allow-list and of nothing else, so that even there nothing of the file runs.
3. What comes out is bytes of an unknown stranger: the strict parser of its format judges them before anybody has them.

Who has no sandbox does not convert: there is no way without.
"""

from ostiary.artifacts.conversion.converting import ConversionSandbox, Converted, convert

__all__ = ["ConversionSandbox", "Converted", "convert"]
