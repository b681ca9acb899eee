"""arrears: lenders' extracts in, delinquency marts out, nothing published that has not passed the gate."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("arrears")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
