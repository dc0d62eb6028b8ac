-- The summaries: one row per rollout, recomputed from its spans.
--
-- The version is a sum over the spans it was computed from, so that the row that knows more wins (docs/decisions).
-- Small granules and blocks: a page of a list reads its rows here and there.
CREATE TABLE IF NOT EXISTS {database}.traces{on_cluster}
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    version UInt128 CODEC(ZSTD(1)),
    trace_id_text String CODEC(ZSTD(1)),
    name LowCardinality(String),
    first_message String CODEC(ZSTD(1)),
    status LowCardinality(String),
    status_text LowCardinality(String),
    error_message String CODEC(ZSTD(1)),
    phase LowCardinality(String),
    run_id LowCardinality(String),
    step_number Nullable(Int64) CODEC(ZSTD(1)),
    datapoint_id String CODEC(ZSTD(1)),
    sample_index Nullable(Int64) CODEC(ZSTD(1)),
    env_name LowCardinality(String),
    model_name LowCardinality(String),
    models Array(LowCardinality(String)) CODEC(ZSTD(1)),
    grader_name LowCardinality(String),
    score Nullable(Float64) CODEC(ZSTD(1)),
    turn_count UInt64 CODEC(ZSTD(1)),
    span_count UInt64 CODEC(ZSTD(1)),
    error_count UInt64 CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    cached_input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    reasoning_tokens UInt64 CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    grader_input_tokens UInt64 CODEC(ZSTD(1)),
    grader_output_tokens UInt64 CODEC(ZSTD(1)),
    grader_cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    ended_at Nullable(DateTime64(9, 'UTC')) CODEC(Delta, ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)) CODEC(ZSTD(1)),
    parent_trace_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    policy_version LowCardinality(String),
    is_rollout Bool,
    open_segments UInt32,
    last_seen_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    updated_at DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),

    INDEX started_at_range started_at TYPE minmax GRANULARITY 1,
    INDEX updated_at_range updated_at TYPE minmax GRANULARITY 1
)
ENGINE = {replacing}(version)
ORDER BY (project, trace_id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    index_granularity = 512,
    min_compress_block_size = 16384,
    max_compress_block_size = 65536
