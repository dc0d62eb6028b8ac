"""Tests of the package caribou. A package itself, so that its folder is not taken for that of the same name."""
