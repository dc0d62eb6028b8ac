-- The spans: one row per span, of several revisions the highest counts.
--
-- Identity is the sort key. Nothing is partitioned: two revisions in different partitions would never meet.
-- Inserts stay compact parts (one file): seventy files per insert cost more than the rows in them.
CREATE TABLE IF NOT EXISTS {database}.spans{on_cluster}
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    revision UInt64 CODEC(Delta, ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    item_type Enum8('otel' = 0, 'message' = 1, 'tool' = 2, 'grade' = 3, 'criterion' = 4, 'event' = 5, 'rollout' = 6,
                    'group' = 7, 'model_call' = 8, 'agent' = 9),
    span_kind LowCardinality(String),
    span_name LowCardinality(String),

    turn_index Int32,
    intra_index Int32,
    sequence UInt64 CODEC(Delta, ZSTD(1)),
    logged_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    ended_at Nullable(DateTime64(9, 'UTC')) CODEC(Delta, ZSTD(1)),
    duration_ns Nullable(UInt64) CODEC(ZSTD(1)),
    status Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
    error_message String CODEC(ZSTD(1)),

    role LowCardinality(String),
    content String CODEC(ZSTD(1)),
    content_form Enum8('none' = 0, 'text' = 1, 'json' = 2),
    preview String CODEC(ZSTD(1)),
    reasoning String CODEC(ZSTD(1)),
    tool_calls String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    model LowCardinality(String),
    provider LowCardinality(String),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cached_input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    reasoning_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    usage_scope Enum8('none' = 0, 'agent' = 1, 'grader' = 2),
    finish_reason LowCardinality(String),
    grader_name LowCardinality(String),

    input String CODEC(ZSTD(1)),
    input_form Enum8('none' = 0, 'text' = 1, 'json' = 2),
    output String CODEC(ZSTD(1)),
    output_form Enum8('none' = 0, 'text' = 1, 'json' = 2),

    score Nullable(Float64) CODEC(ZSTD(1)),
    passed Nullable(Bool) CODEC(ZSTD(1)),
    criteria String CODEC(ZSTD(1)),
    details String CODEC(ZSTD(1)),

    rollout Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)) CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(1)),

    attributes String CODEC(ZSTD(1)),
    resource LowCardinality(String),
    scope_name LowCardinality(String),
    span_events String CODEC(ZSTD(1)),
    links String CODEC(ZSTD(1)),
    extra Map(LowCardinality(String), String) CODEC(ZSTD(1)),

    inserted_at DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),

    trace_id_text String ALIAS rollout['trace_id_text'],
    rollout_status String ALIAS rollout['rollout_status'],
    rollout_status_explicit Bool ALIAS rollout['rollout_status_explicit'] = '1',
    phase String ALIAS rollout['phase'],
    run_id String ALIAS rollout['run_id'],
    step_number Nullable(Int64) ALIAS toInt64OrNull(rollout['step_number']),
    datapoint_id String ALIAS rollout['datapoint_id'],
    sample_index Nullable(Int64) ALIAS toInt64OrNull(rollout['sample_index']),
    env_name String ALIAS rollout['env_name'],
    model_name String ALIAS rollout['model_name'],
    policy_version String ALIAS rollout['policy_version'],
    user_id String ALIAS rollout['user_id'],
    session_id String ALIAS rollout['session_id'],
    parent_trace_id String ALIAS rollout['parent_trace_id'],
    error_type String ALIAS extra['error_type'],
    traceback String ALIAS extra['traceback'],
    marks Array(String) ALIAS if(extra['marks'] = '', [], splitByChar(',', extra['marks'])),
    prompt String ALIAS extra['prompt'],
    requestor String ALIAS extra['requestor'],
    weight Nullable(Float64) ALIAS toFloat64OrNull(extra['weight']),
    passed_count Nullable(UInt64) ALIAS toUInt64OrNull(extra['passed_count']),
    total_count Nullable(UInt64) ALIAS toUInt64OrNull(extra['total_count']),
    artifacts String ALIAS extra['artifacts'],
    grader_version String ALIAS extra['grader_version'],
    scope_version String ALIAS extra['scope_version'],

    INDEX inserted_at_range inserted_at TYPE minmax GRANULARITY 1
)
ENGINE = {replacing}(revision)
ORDER BY (project, trace_id, span_id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_bytes_for_wide_part = 134217728,
    index_granularity = 2048
