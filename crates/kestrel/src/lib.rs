//! The server: ingest, read API and web UI in one binary.
