//! The embedded ClickHouse as a supervised child process that speaks ClickHouse's HTTP protocol.
