-- Full-text index over everything that is said or returned.
--
-- Writers leave it out at insert (exclude_materialize_skip_indexes_on_insert). Merges build it, and rows that have
-- none yet are found by scanning. Queries name the same expression, or the index is not used.
ALTER TABLE {database}.spans{on_cluster}
    ADD INDEX IF NOT EXISTS search_text
    lower(concat(content, '\n', reasoning, '\n', tool_calls, '\n', input, '\n', output, '\n', error_message, '\n', details))
    TYPE text(tokenizer = 'splitByNonAlpha')
