-- Which binaries a project has stored: it may read these and no others. The bytes are in the object store.
CREATE TABLE IF NOT EXISTS {database}.images{on_cluster}
(
    project LowCardinality(String),
    hash String CODEC(ZSTD(1)),
    mime LowCardinality(String),
    bytes UInt64,
    width Nullable(UInt32),
    height Nullable(UInt32),
    first_seen_at DateTime64(6, 'UTC') DEFAULT now64(6),
    revision UInt64 DEFAULT 18446744073709551615 - toUnixTimestamp64Micro(first_seen_at)
)
ENGINE = {replacing}(revision)
ORDER BY (hash, project)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_bytes_for_wide_part = 134217728,
    index_granularity = 256
