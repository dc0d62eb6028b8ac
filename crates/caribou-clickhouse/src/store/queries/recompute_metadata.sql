INSERT INTO entity_metadata (project, entity_type, key, entity_id, version, value_type, value, value_number)
SELECT
    project,
    'trace',
    entry.1 AS key,
    trace_id,
    version,
    lower(toString(JSONType(raw))) AS value_type,
    if(JSONType(raw) = 'String', JSONExtractString(raw), raw) AS value,
    if(JSONType(raw) IN ('Int64', 'UInt64', 'Double'), toFloat64OrNull(raw), NULL) AS value_number
FROM
(
    SELECT
        project,
        trace_id,
        sum(toUInt128(revision) + 1) AS version,
        arrayJoin(
            arrayFold(
                (united, segment) -> mapUpdate(united, segment.3),
                arraySort(
                    segment -> (segment.1, segment.2),
                    groupArray((started_at, span_id, CAST(JSONExtractKeysAndValuesRaw(metadata), 'Map(String, String)')))
                ),
                CAST(map(), 'Map(String, String)')
            )
        ) AS entry,
        entry.2 AS raw
    FROM spans FINAL
    WHERE (project, trace_id) IN ({traces}) AND metadata != ''
    GROUP BY project, trace_id
)
