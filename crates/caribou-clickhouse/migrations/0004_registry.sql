-- What is registered rather than recorded: small tables, deterministic ids, the newest row of an id counts.
CREATE TABLE IF NOT EXISTS {database}.projects{on_cluster}
(
    id String,
    name String,
    created_at DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.runs{on_cluster}
(
    project LowCardinality(String),
    id String,
    name String,
    phase LowCardinality(String),
    status LowCardinality(String),
    config String CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)),
    created_at DateTime64(9, 'UTC'),
    finished_at Nullable(DateTime64(9, 'UTC')),
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY (project, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.run_steps{on_cluster}
(
    project LowCardinality(String),
    run_id LowCardinality(String),
    step_number Int64,
    metadata String CODEC(ZSTD(1)),
    created_at DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY (project, run_id, step_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.run_metrics{on_cluster}
(
    project LowCardinality(String),
    run_id LowCardinality(String),
    name LowCardinality(String),
    step_number Int64,
    value Float64,
    logged_at DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY (project, run_id, name, step_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.datapoints{on_cluster}
(
    project LowCardinality(String),
    datapoint_id String,
    input String CODEC(ZSTD(1)),
    expected String CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(1)),
    created_at DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY (project, datapoint_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.models{on_cluster}
(
    name String,
    provider LowCardinality(String),
    base_url String,
    upstream_model String,
    api_key_env String,
    prices String,
    deleted Bool,
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.api_keys{on_cluster}
(
    id String,
    name String,
    secret_hash String,
    project String,
    scopes Array(LowCardinality(String)),
    trace String,
    created_at DateTime64(9, 'UTC'),
    expires_at Nullable(DateTime64(9, 'UTC')),
    revoked Bool,
    revision UInt64
)
ENGINE = {replacing}(revision)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.repairs{on_cluster}
(
    name LowCardinality(String),
    complete_until DateTime64(6, 'UTC')
)
ENGINE = {replacing}(complete_until)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
