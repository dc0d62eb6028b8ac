//! Generates reference pages and checks that generated files are fresh.
