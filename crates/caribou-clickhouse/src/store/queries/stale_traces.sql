WITH touched AS
(
    SELECT DISTINCT project, trace_id
    FROM spans
    WHERE inserted_at >= fromUnixTimestamp64Micro(toInt64(?), 'UTC') AND cityHash64(trace_id) % ? = ?
)
SELECT project, trace_id
FROM
(
    SELECT project, trace_id, sum(toUInt128(revision) + 1) AS spans_version, toUInt128(0) AS known_version
    FROM spans FINAL
    WHERE (project, trace_id) IN touched
    GROUP BY project, trace_id
    UNION ALL
    SELECT project, trace_id, toUInt128(0) AS spans_version, max(version) AS known_version
    FROM traces
    WHERE (project, trace_id) IN touched
    GROUP BY project, trace_id
)
GROUP BY project, trace_id
HAVING sum(spans_version) != sum(known_version)
