//! As much of ClickHouse's SQL as a server needs before it hands a statement on: where the data of an INSERT begins,
//! what kind of statement it is, and whether it reaches for files, processes or the network.

mod guard;
mod statement;
mod token;

pub(crate) use guard::{is_refused_setting, refusal};
pub(crate) use statement::{InsertSource, SqlError, Statement, StatementKind, analyse};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of SQL in any order, which reach deeper than arbitrary bytes do.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "INSERT", "INTO", "t", "FORMAT", "VALUES", "SELECT", "(", ")", "'", "\"", "`", "--",
            "\n", "/*", "*/", "$a$", ";", ".", "‘", "’", "“", "\\", " ", "file", "ENGINE", "=",
            "#", "1", "ü", "\u{a0}",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_within_its_bounds(text in prop_oneof![pieces(), prop::collection::vec(any::<u8>(), 0..200)]) {
            refusal(&text);
            if let Ok(statement) = analyse(&text) {
                prop_assert!(statement.sql.end <= text.len());
                if let StatementKind::Insert(insert) = statement.kind
                    && let InsertSource::Data { data_start, .. } = insert.source
                {
                    prop_assert!(statement.sql.end <= data_start && data_start <= text.len());
                }
            }
        }
    }
}
