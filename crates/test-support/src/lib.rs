//! Fixtures, clocks and servers that the tests of several crates share.
