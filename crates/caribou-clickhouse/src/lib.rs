//! Everything that speaks SQL: migrations, rows, the Native writer and the queries.
