//! Rows of the table `images`: which binaries a project has stored.

use serde::{Deserialize, Serialize};

/// A binary that a project has stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(clickhouse::Row))]
pub struct ImageRow {
    /// Project that stored it.
    pub project: String,
    /// SHA-256 of the bytes, 64 lower-case hex digits.
    pub hash: String,
    /// Media type.
    pub mime: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Width in pixels, where it is known.
    pub width: Option<u32>,
    /// Height in pixels, where it is known.
    pub height: Option<u32>,
}

/// The schema version from which on there is the table `images`.
pub const IMAGES_SCHEMA: u32 = 6;

/// The statement in front of what [`image_lines`] writes, every column by name.
pub const INSERT_IMAGES: &str =
    "INSERT INTO images (project, hash, mime, bytes, width, height) FORMAT JSONEachRow";

/// Rows as one JSON object a line. Inserting one again changes nothing: its first row stays.
pub fn image_lines(rows: &[ImageRow]) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).expect("texts and numbers are written to memory");
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_a_line_whatever_stands_in_it() {
        let row = ImageRow {
            project: "a\n\"b\"".to_owned(),
            hash: "aa".to_owned(),
            mime: "image/png".to_owned(),
            bytes: 3,
            width: Some(2),
            height: None,
        };
        let lines = String::from_utf8(image_lines(&[row.clone(), row.clone()])).unwrap();
        assert_eq!(lines.lines().count(), 2);
        for line in lines.lines() {
            assert_eq!(serde_json::from_str::<ImageRow>(line).unwrap(), row);
        }
    }
}
