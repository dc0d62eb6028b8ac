INSERT INTO traces
(
    project, trace_id, version, trace_id_text, name, first_message, status, status_text, error_message, phase, run_id,
    step_number, datapoint_id, sample_index, env_name, model_name, models, grader_name, score, turn_count, span_count,
    error_count, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_usd, grader_input_tokens,
    grader_output_tokens, grader_cost_usd, started_at, ended_at, duration_ms, tags, parent_trace_id, session_id, user_id,
    policy_version, is_rollout, open_segments, last_seen_at
)
SELECT
    project,
    trace_id,
    version,
    fields['trace_id_text'],
    multiIf(given_name != '', given_name, is_rollout, segments[1].span_name, foreign_name != '', foreign_name, first_name),
    first_message,
    if(status_known, said_status, 'PENDING'),
    if(status_known, '', said_status),
    if(is_rollout, arrayLast(segment -> segment.error_message != '', segments).error_message, foreign_error),
    fields['phase'],
    fields['run_id'],
    toInt64OrNull(fields['step_number']),
    fields['datapoint_id'],
    toInt64OrNull(fields['sample_index']),
    fields['env_name'],
    if(given_model != '', given_model, first_model),
    arraySort(seen_models),
    grader,
    if(isFinite(latest_score), latest_score, NULL),
    -- Turns of several segments are numbered on, as the page does: a segment that begins behind what was reached starts
    -- again. Carried are what is added to a turn's own number, the highest number, whether the assistant spoke in it, and
    -- how many turns there were.
    if(
        notEmpty(said_in_segments),
        arrayFold(
            (reached, run) -> arrayMap(
                (first, last) -> arrayMap(
                    added -> (
                        added,
                        greatest(reached.2, added + last),
                        toUInt8(
                            (reached.3 AND added + last <= reached.2)
                                OR (added + last >= reached.2 AND arrayExists(item -> item.4 AND item.2 = last, run))
                        ),
                        reached.4 + length(arrayDistinct(arrayFilter(turn -> added + turn > reached.2, run.2)))
                    ),
                    [
                        if(
                            first + reached.1 < reached.2
                                OR (first + reached.1 = reached.2 AND reached.3
                                    AND arrayExists(item -> item.3 AND item.2 = first, run)),
                            reached.2 + 1 - first,
                            reached.1
                        )
                    ]
                )[1],
                [toInt64(run[1].2)],
                [toInt64(run[-1].2)]
            )[1],
            arraySplit((item, step) -> step != 0, said_in_segments, arrayDifference(said_in_segments.1)),
            (toInt64(0), toInt64(-1), toUInt8(0), toUInt64(0))
        ).4,
        length(arrayDistinct(said.turn))
    ) + model_calls,
    spans,
    errors,
    agent_input_tokens,
    agent_cached_tokens,
    agent_output_tokens,
    agent_reasoning_tokens,
    agent_cost,
    grader_tokens_read,
    grader_tokens_written,
    grader_cost,
    if(is_rollout, segments[1].started_at, earliest),
    multiIf(
        is_rollout, if(open_count > 0, NULL, arrayMax(segment -> segment.ended_at, segments)),
        foreign_roots > 0, if(foreign_open > 0, NULL, foreign_end),
        latest_end
    ),
    if(is_rollout, segment_nanos, foreign_nanos) / 1e6,
    arraySort(all_tags),
    fields['parent_trace_id'],
    fields['session_id'],
    fields['user_id'],
    fields['policy_version'],
    is_rollout,
    multiIf(is_rollout, open_count, foreign_roots > 0, foreign_open, 1),
    last_seen
FROM
(
    -- Each level names what the next one uses several times: an alias is analysed again wherever it stands.
    SELECT
        *,
        fields['name'] AS given_name,
        fields['model_name'] AS given_model,
        said_status IN (
            'PENDING', 'COMPLETED', 'TRUNCATED', 'ABORTED', 'ENV_SETUP_ERROR', 'STEP_ERROR', 'GRADER_TIMEOUT',
            'GRADER_ERROR', 'TOOL_ERROR', 'ERROR'
        ) AS status_known,
        -- Score: the latest grade by the rollout's grader, else the latest grade. What is not a number is null.
        if(
            arrayExists(grade -> grade.grader_name = grader AND grader != '', grades),
            arrayLast(grade -> grade.grader_name = grader, grades),
            grades[-1]
        ).score AS latest_score,
        -- What was said in which segment (by number), by turns: up through groups; what is in none counts to the first.
        arraySort(arrayFlatten(arrayMap(
            (of_span, segment) -> arrayMap(
                item -> (segment, item.turn, item.is_message, item.is_assistant), of_span
            ),
            said_by_span,
            arrayMap(
                segment -> greatest(toInt64(indexOf(segment_keys, segment)), 1),
                arrayMap(
                    of_span -> arrayFold(
                        (at, hop) -> if(has(segment_keys, at), at, groups[indexOf(groups.1, at)].2),
                        range(16),
                        of_span[1].span
                    ),
                    said_by_span
                )
            )
        ))) AS said_in_segments
    FROM
    (
        SELECT
            *,
            fields['grader_name'] AS grader,
            -- Only where there are several segments, and not so many that each would have to be looked for at length.
            arrayResize(said, if(length(segment_keys) BETWEEN 2 AND 1000, length(said), 0)) AS said_of_several,
            arraySplit((item, step) -> step != 0, said_of_several, arrayDifference(said_of_several.span)) AS said_by_span,
            multiIf(
                set_by_hand.status != ''
                    AND NOT (set_by_hand.status IN ('COMPLETED', 'PENDING')
                             AND failed_by_itself.started_at > set_by_hand.started_at),
                set_by_hand.status,
                failed_by_itself.failed, if(failed_by_itself.status = '', 'ERROR', failed_by_itself.status),
                last_status != '', last_status,
                is_rollout, 'PENDING',
                foreign_errors > 0, 'ERROR',
                foreign_roots > 0 AND foreign_open = 0, 'COMPLETED',
                'PENDING'
            ) AS said_status
        FROM
        (
            SELECT
                *,
                length(segments) > 0 AS is_rollout,
                arrayCount(segment -> isNull(segment.ended_at), segments) AS open_count,
                -- The latest segment that has a field wins. Foreign spans only fill what no segment says.
                arrayFold(
                    (united, segment) -> mapUpdate(united, segment.rollout),
                    segments,
                    mapUpdate(earliest_foreign, latest_foreign)
                ) AS fields,
                arrayMap(
                    item -> CAST(
                        (
                            bitShiftLeft(bitShiftRight(item, 34), 34), toInt32(toUInt32(bitShiftRight(item, 2))),
                            bitAnd(item, 3) > 0, bitAnd(item, 3) = 2
                        ),
                        'Tuple(span UInt64, turn Int32, is_message UInt8, is_assistant UInt8)'
                    ),
                    arraySort(said_packed)
                ) AS said,
                arrayMap(segment -> bitShiftLeft(cityHash64(segment.span_id), 34), segments) AS segment_keys,
                -- What somebody set, what followed from a failure, what followed from any end.
                arrayLast(segment -> segment.explicit AND segment.status != '', segments) AS set_by_hand,
                arrayLast(segment -> NOT segment.explicit AND segment.failed, segments) AS failed_by_itself,
                arrayLast(segment -> segment.status != '', segments).status AS last_status,
                -- An open segment lasts until the last sign of life.
                arraySum(
                    segment -> toFloat64(greatest(0, ifNull(
                        segment.nanos,
                        greatest(toUnixTimestamp64Nano(last_logged), segment.alive_nanos)
                            - toUnixTimestamp64Nano(segment.started_at)
                    ))),
                    segments
                ) AS segment_nanos,
                toFloat64(greatest(
                    0,
                    toUnixTimestamp64Nano(ifNull(if(foreign_roots > 0, foreign_end, latest_end), last_logged))
                        - toUnixTimestamp64Nano(earliest)
                )) AS foreign_nanos
            FROM
            (
                SELECT
                    project,
                    trace_id,
                    sum(toUInt128(revision) + 1) AS version,
                    arraySort(
                        segment -> (segment.started_at, segment.span_id),
                        groupArrayIf(
                            CAST(
                                (
                                    started_at, span_id, ended_at,
                                    ifNull(
                                        toInt64(duration_ns),
                                        toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)
                                    ),
                                    least(toInt64(revision), toUnixTimestamp64Micro(inserted_at) * 1000),
                                    rollout, rollout['rollout_status'], rollout['rollout_status_explicit'] = '1',
                                    rollout['rollout_status'] NOT IN ('', 'PENDING', 'COMPLETED')
                                        OR (rollout['rollout_status'] = '' AND status = 'error' AND isNotNull(ended_at)),
                                    error_message, span_name
                                ),
                                'Tuple(started_at DateTime64(9, ''UTC''), span_id String, ended_at Nullable(DateTime64(9, ''UTC'')),
                                       nanos Nullable(Int64), alive_nanos Int64, rollout Map(LowCardinality(String), String),
                                       status String, explicit Bool, failed Bool, error_message String, span_name String)'
                            ),
                            item_type = 'rollout'
                        )
                    ) AS segments,
                    arraySort(
                        grade -> (grade.logged_at, grade.sequence, grade.span_id),
                        groupArrayIf(
                            CAST(
                                (logged_at, sequence, span_id, grader_name, score),
                                'Tuple(logged_at DateTime64(9, ''UTC''), sequence UInt64, span_id String, grader_name String, score Nullable(Float64))'
                            ),
                            item_type = 'grade'
                        )
                    ) AS grades,
                    argMinIf(rollout, (started_at, span_id), item_type != 'rollout' AND notEmpty(rollout)) AS earliest_foreign,
                    argMaxIf(rollout, (started_at, span_id), item_type != 'rollout' AND notEmpty(rollout)) AS latest_foreign,
                    groupUniqArrayArray(tags) AS all_tags,
                    argMinIf(preview, (logged_at, sequence, span_id), preview != '') AS first_message,
                    argMinIf(model, (logged_at, sequence, span_id), model != '' AND usage_scope = 'agent') AS first_model,
                    groupUniqArrayIf(model, model != '') AS seen_models,
                    -- What was said in which turn within which span, in 30 + 32 + 2 bits: sets of numbers are cheap.
                    groupUniqArrayIf(
                        bitOr(
                            bitShiftLeft(cityHash64(parent_span_id), 34),
                            toUInt64(toUInt32(turn_index)) * 4
                                + multiIf(role = 'assistant', 2, item_type = 'message' AND role != 'tool', 1, 0)
                        ),
                        item_type IN ('message', 'tool') AND usage_scope != 'grader' AND grader_name = ''
                    ) AS said_packed,
                    groupArrayIf(
                        (bitShiftLeft(cityHash64(span_id), 34), bitShiftLeft(cityHash64(parent_span_id), 34)),
                        item_type = 'group'
                    ) AS groups,
                    countIf(item_type = 'model_call') AS model_calls,
                    count() AS spans,
                    countIf(status = 'error') AS errors,
                    sumIf(ifNull(input_tokens, 0), usage_scope = 'agent') AS agent_input_tokens,
                    sumIf(ifNull(cached_input_tokens, 0), usage_scope = 'agent') AS agent_cached_tokens,
                    sumIf(ifNull(output_tokens, 0), usage_scope = 'agent') AS agent_output_tokens,
                    sumIf(ifNull(reasoning_tokens, 0), usage_scope = 'agent') AS agent_reasoning_tokens,
                    sumOrNullIf(cost_usd, usage_scope = 'agent') AS agent_cost,
                    sumIf(ifNull(input_tokens, 0), usage_scope = 'grader') AS grader_tokens_read,
                    sumIf(ifNull(output_tokens, 0), usage_scope = 'grader') AS grader_tokens_written,
                    sumOrNullIf(cost_usd, usage_scope = 'grader') AS grader_cost,
                    min(started_at) AS earliest,
                    max(ended_at) AS latest_end,
                    max(logged_at) AS last_logged,
                    argMin(span_name, (started_at, span_id)) AS first_name,
                    countIf(parent_span_id = '') AS foreign_roots,
                    countIf(parent_span_id = '' AND isNull(ended_at)) AS foreign_open,
                    countIf(parent_span_id = '' AND status = 'error') AS foreign_errors,
                    maxIf(ended_at, parent_span_id = '') AS foreign_end,
                    argMinIf(span_name, (started_at, span_id), parent_span_id = '') AS foreign_name,
                    argMaxIf(error_message, (started_at, span_id), parent_span_id = '' AND error_message != '') AS foreign_error,
                    max(inserted_at) AS last_seen
                FROM spans FINAL
                WHERE (project, trace_id) IN ({traces})
                GROUP BY project, trace_id
            )
        )
    )
)
