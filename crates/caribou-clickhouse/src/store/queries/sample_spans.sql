INSERT INTO spans
(
    project, trace_id, span_id, revision, parent_span_id, item_type, span_kind, span_name, turn_index, intra_index, sequence,
    logged_at, started_at, ended_at, duration_ns, status, error_message, role, content, content_form, preview, call_id, name,
    model, input_tokens, output_tokens, cost_usd, usage_scope, grader_name, input, input_form, output, output_form, score,
    rollout, tags, metadata, resource, scope_name
)
WITH
    [
        'Could you please help me change the return flight of reservation ZFA04Y to the earliest one on May 20??',
        'I found two flights with seats in economy: HAT136 departs at 05:00, HAT039 connects in Chicago at 09:30.',
        'The total for all passengers is 255 dollars, and one travel certificate can be used for it.',
        'Unfortunately basic economy tickets cannot be modified, but the cabin can be upgraded for a fee.',
        'Let me check the membership level and the number of checked bags in the profile first.',
        'Yes, please go ahead with the cheaper option and use the credit card that ends in 7447.',
        'The refund will arrive on the original payment method within five to seven business days.',
        'I am a gold member and my flight was delayed by more than four hours, what can you do about it??',
        'Your booking includes three free checked bags, so there is no extra charge for them.',
        'Before I continue, please confirm the new itinerary, the passengers and the payment method.',
        'Is there a direct connection from Seattle to Boston on the same day, or only with one stop??',
        'The reservation was cancelled, and a certificate of 100 dollars has been added as a gesture.'
    ] AS sentences,
    ['gpt-4o-2024-08-06', 'claude-sonnet-4', 'qwen3-32b', 'policy-7b'] AS models,
    ['COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'TRUNCATED', 'TOOL_ERROR', 'ERROR'] AS statuses,
    intDiv(number, spans_per_trace) AS trace,
    number % spans_per_trace AS place,
    cityHash64(trace) AS trace_hash,
    cityHash64(number, 7) AS hash,
    first_start_ms + trace * trace_interval_ms AS trace_start_ms,
    -- Ids ordered by time, as the SDK makes them.
    concat(leftPad(lower(hex(toUInt64(trace_start_ms))), 12, '0'), leftPad(substring(lower(hex(trace_hash)), 1, 12), 12, '0'),
           leftPad(lower(hex(toUInt32(trace))), 8, '0')) AS id,
    leftPad(lower(hex(toUInt64(number + 1))), 16, '0') AS own_span_id,
    leftPad(lower(hex(toUInt64(trace * spans_per_trace + 1))), 16, '0') AS root_span_id,
    place = 0 AS is_root,
    place > 0 AND place = spans_per_trace - 1 AS is_grade,
    NOT is_root AND NOT is_grade AND place % 3 = 0 AS is_tool,
    NOT is_root AND NOT is_grade AND NOT is_tool AS is_message,
    is_message AND place % 3 = 2 AS is_assistant,
    fromUnixTimestamp64Nano(toInt64((trace_start_ms + place * 1500) * 1000000 + hash % 1000000), 'UTC') AS at,
    arrayStringConcat(arrayMap(i -> sentences[1 + cityHash64(hash, i) % 12], range(sentences_per_span)), ' ') AS said
SELECT
    sample_project,
    id,
    own_span_id,
    toUInt64(toUnixTimestamp64Nano(at)),
    if(is_root, '', root_span_id),
    multiIf(is_root, 'rollout', is_grade, 'grade', is_tool, 'tool', 'message'),
    multiIf(is_root, 'rollout', is_grade, 'grader', is_tool, 'tool', 'message'),
    multiIf(is_root, 'rollout', is_grade, 'grade', is_tool, 'tool.search_flights', is_assistant, 'message.assistant', 'message.user'),
    toInt32(intDiv(place, 3)),
    toInt32(place % 3),
    place,
    at,
    at,
    if(is_root, at + toIntervalMillisecond(spans_per_trace * 1500), at),
    if(is_root, NULL, hash % 5000000000),
    if(is_tool AND hash % 29 = 0, 'error', 'unset'),
    if(is_tool AND hash % 29 = 0, 'connection reset by peer', ''),
    multiIf(is_assistant, 'assistant', is_message, 'user', ''),
    if(is_message, said, ''),
    if(is_message, 'text', 'none'),
    if(is_message AND NOT is_assistant AND place < 3, substringUTF8(said, 1, 300), ''),
    if(is_tool, concat('call_', toString(hash % 100000)), ''),
    if(is_tool, 'search_flights', ''),
    if(is_assistant, models[1 + trace_hash % 4], ''),
    if(is_assistant, 500 + hash % 4000, NULL),
    if(is_assistant, 10 + hash % 400, NULL),
    if(is_assistant, toDecimal64(0.000001 * (hash % 9000), 12), NULL),
    if(is_assistant, 'agent', 'none'),
    if(is_grade, 'exact_match', ''),
    if(is_tool, '{"origin":"SEA","destination":"BOS","date":"2024-05-20"}', ''),
    if(is_tool, 'json', 'none'),
    if(is_tool, said, ''),
    if(is_tool, 'text', 'none'),
    if(is_grade, (trace_hash % 101) / 100, NULL),
    if(
        is_root,
        map(
            'rollout_status', statuses[1 + trace_hash % 8], 'rollout_status_explicit', '1',
            'phase', if(intDiv(trace, 1000) % 5 = 0, 'eval', 'train'),
            'run_id', concat('sample-run-', toString(intDiv(trace, 50000))),
            'step_number', toString(intDiv(trace % 50000, 500)),
            'datapoint_id', concat('task-', toString(intDiv(trace, 8) % 500)),
            'sample_index', toString(trace % 8),
            'env_name', ['airline', 'retail', 'coding'][1 + intDiv(trace, 8) % 3],
            'grader_name', 'exact_match'
        ),
        CAST(map(), 'Map(String, String)')
    ),
    if(is_root, [concat('batch-', toString(trace % 10)), if(trace_hash % 3 = 0, 'ablation_v2', 'baseline')], []),
    if(is_root, concat('{"tool_call_count":', toString(trace_hash % 12), ',"split":"', if(trace % 7 = 0, 'test', 'train'), '"}'), ''),
    '{"service.name":"sample"}',
    'caribou'
FROM
(
    SELECT
        number,
        toUInt64(?) AS spans_per_trace,
        toUInt64(?) AS sentences_per_span,
        toUInt64(?) AS first_start_ms,
        toUInt64(?) AS trace_interval_ms,
        ? AS sample_project
    FROM numbers(?, ?)
)
