-- Metadata by key, for filters: recomputed with the summary of the trace it belongs to.
CREATE TABLE IF NOT EXISTS {database}.entity_metadata{on_cluster}
(
    project LowCardinality(String),
    entity_type LowCardinality(String),
    key LowCardinality(String),
    entity_id String CODEC(ZSTD(1)),
    version UInt128 CODEC(ZSTD(1)),
    value_type LowCardinality(String),
    value String CODEC(ZSTD(1)),
    value_number Nullable(Float64) CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),

    INDEX value_bloom value TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX value_range value_number TYPE minmax GRANULARITY 1
)
ENGINE = {replacing}(version)
ORDER BY (entity_type, project, key, entity_id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    index_granularity = 1024
