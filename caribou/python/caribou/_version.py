"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("caribou-sdk")
except PackageNotFoundError:
    # Used from a source tree that was never installed.
    __version__ = "0"
