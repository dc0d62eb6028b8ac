//! What is to be known of output formats: how a browser calls them, and which of them may come in pieces.

/// The format of an answer when nobody names one.
pub(super) const DEFAULT: &str = "TabSeparated";

/// How blocks of a result, each formatted as a document of its own, are joined to one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// One after the other.
    Append,
    /// One after the other, each but the first without its header.
    Header(HeaderShape),
}

/// How long a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderShape {
    /// Lines of text, in which a quoted field may hold line ends.
    Lines(usize),
    /// The number of columns, then so many lists of that many strings.
    BinaryLists(usize),
}

/// How to join a format, or `None` when its documents cannot be joined and the result must be made at once.
pub(super) fn join(format: &str) -> Option<Join> {
    let lines = |count| Some(Join::Header(HeaderShape::Lines(count)));
    let lists = |count| Some(Join::Header(HeaderShape::BinaryLists(count)));
    match format {
        "Native"
        | "RowBinary"
        | "TabSeparated"
        | "TSV"
        | "TabSeparatedRaw"
        | "TSVRaw"
        | "CSV"
        | "JSONEachRow"
        | "JSONLines"
        | "NDJSON"
        | "JSONStringsEachRow"
        | "JSONCompactEachRow"
        | "JSONCompactStringsEachRow"
        | "TSKV"
        | "LineAsString"
        | "MsgPack"
        | "RawBLOB"
        | "Null" => Some(Join::Append),
        "TabSeparatedWithNames"
        | "TSVWithNames"
        | "CSVWithNames"
        | "JSONCompactEachRowWithNames" => lines(1),
        "TabSeparatedWithNamesAndTypes"
        | "TSVWithNamesAndTypes"
        | "CSVWithNamesAndTypes"
        | "JSONCompactEachRowWithNamesAndTypes" => lines(2),
        "RowBinaryWithNames" => lists(1),
        "RowBinaryWithNamesAndTypes" => lists(2),
        _ => None,
    }
}

impl HeaderShape {
    /// The length of the header at the front of a document; 0 when it is not there in full.
    pub(super) fn length(self, document: &[u8]) -> usize {
        match self {
            Self::Lines(lines) => lines_length(document, lines),
            Self::BinaryLists(lists) => lists_length(document, lists).unwrap_or(0),
        }
    }
}

fn lines_length(document: &[u8], mut lines: usize) -> usize {
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, &byte) in document.iter().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\\' => escaped = true,
            b'\n' if !in_quotes => {
                lines -= 1;
                if lines == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    0
}

fn lists_length(document: &[u8], lists: usize) -> Option<usize> {
    let mut rest = document;
    let columns = varint(&mut rest)?;
    for _ in 0..columns.checked_mul(lists as u64)? {
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        rest = rest.get(length..)?;
    }
    Some(document.len() - rest.len())
}

/// Takes a number in the variable-length encoding of ClickHouse from the front.
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The value of `Content-Type`.
pub(super) fn content_type(format: &str) -> &'static str {
    match format {
        "JSON"
        | "JSONCompact"
        | "JSONStrings"
        | "JSONColumns"
        | "JSONColumnsWithMetadata"
        | "JSONObjectEachRow" => "application/json; charset=UTF-8",
        "JSONEachRow" | "JSONLines" | "NDJSON" | "JSONCompactEachRow" | "JSONStringsEachRow" => {
            "application/x-ndjson; charset=UTF-8"
        }
        "CSV" | "CSVWithNames" | "CSVWithNamesAndTypes" => {
            "text/csv; charset=UTF-8; header=present"
        }
        "XML" => "application/xml; charset=UTF-8",
        "Native"
        | "RowBinary"
        | "RowBinaryWithNames"
        | "RowBinaryWithNamesAndTypes"
        | "Parquet"
        | "Arrow"
        | "ArrowStream"
        | "ORC"
        | "Avro"
        | "MsgPack" => "application/octet-stream",
        format if format.starts_with("TabSeparated") || format.starts_with("TSV") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        _ => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_measured() {
        let lines = |text: &str, count| HeaderShape::Lines(count).length(text.as_bytes());
        assert_eq!(lines("a\tb\n1\t2\n", 1), 4);
        assert_eq!(lines("\"a\nb\"\"c\"\n1\n", 1), 9);
        assert_eq!(lines("[\"a\\\"\"]\n[\"b\"]\n", 2), 14);
        assert_eq!(lines("no end", 1), 0);
        assert_eq!(
            HeaderShape::BinaryLists(2).length(b"\x02\x01a\x01b\x05UInt8\x05UInt8\x07"),
            17
        );
        assert_eq!(
            HeaderShape::BinaryLists(2).length(b"\x02\x01a\x01b\x05UIn"),
            0
        );
    }
}
