//! Full-text search: what a typed text means, and the SQL that finds it.

use caribou_model::TraceId;

use super::statement::Statement;

/// Everything of a span that search looks at, in lower case. The index `search_text` has this very expression.
pub(super) const SEARCHED: &str = "lower(concat(content, '\\n', reasoning, '\\n', tool_calls, '\\n', input, '\\n', \
     output, '\\n', error_message, '\\n', details))";

/// What a typed text asks for: words that must all be there, and runs of text that must.
///
/// A word of ASCII letters and digits is found as a whole word, which the index answers. Several words in double quotes
/// are found as they stand; a single one also inside words, and so is text in other scripts, because the index does not
/// know where words end in Chinese or Japanese. Letters A to Z are found in either case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SearchText {
    words: Vec<String>,
    runs: Vec<String>,
}

impl SearchText {
    pub(super) fn new(text: &str) -> Self {
        let mut search = Self::default();
        // Every other piece stands between two quotes; an opening quote without its partner is only a character.
        let pieces: Vec<&str> = text.split('"').collect();
        for (position, piece) in pieces.iter().enumerate() {
            let quoted = position % 2 == 1 && position + 1 < pieces.len();
            if quoted {
                search.add_run(piece);
            } else {
                piece.split_whitespace().for_each(|word| search.add(word));
            }
        }
        search
    }

    fn add(&mut self, word: &str) {
        // `user_id` and `12:30` are several words to the index: they must also stand together.
        if word.is_ascii() && words_of(word).eq([word]) {
            self.words.push(word.to_ascii_lowercase());
        } else {
            self.add_run(word);
        }
    }

    fn add_run(&mut self, run: &str) {
        if run.is_empty() {
            return;
        }
        // The index finds the rows that hold all the words; only those are compared letter by letter.
        if run.is_ascii() && words_of(run).nth(1).is_some() {
            self.words
                .extend(words_of(run).map(str::to_ascii_lowercase));
        }
        self.runs.push(run.to_ascii_lowercase());
    }

    /// The condition on a row of `spans`.
    pub(super) fn span_condition(&self) -> Statement {
        let mut sql = Statement::new("true");
        if !self.words.is_empty() {
            sql.push(" AND hasAllTokens(")
                .push(SEARCHED)
                .push(", ?)")
                .bind(self.words.clone());
        }
        for run in &self.runs {
            sql.push(" AND ")
                .push(SEARCHED)
                .push(" LIKE ?")
                .bind(contains_pattern(run));
        }
        sql
    }

    /// Ids of the traces that have the text in their name, or for an id, restricted by another condition.
    pub(super) fn named(text: &str, restriction: &Statement) -> Statement {
        let text = text.trim();
        let mut sql = Statement::default();
        sql.push("SELECT project, trace_id FROM traces WHERE (name ILIKE ? OR trace_id_text = ?)")
            .bind(contains_pattern(text))
            .bind(text)
            .push_statement(restriction)
            // Apart from the names, because alone it is answered by the primary key.
            .push(" UNION ALL SELECT project, trace_id FROM traces WHERE trace_id = ?")
            .bind(TraceId::from_text(text).to_string())
            .push_statement(restriction);
        sql
    }
}

/// The words of a text as the index splits them.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let search = SearchText::new(text);
        (search.words, search.runs)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn plain_words_are_words() {
        assert_eq!(
            read(" Cancel  flight7 "),
            (texts(&["cancel", "flight7"]), vec![])
        );
    }

    #[test]
    fn words_with_signs_must_also_stand_together() {
        assert_eq!(
            read("user_id"),
            (texts(&["user", "id"]), texts(&["user_id"]))
        );
        assert_eq!(read("--"), (vec![], texts(&["--"])));
    }

    #[test]
    fn quotes_and_other_scripts_are_found_as_they_are() {
        assert_eq!(
            read("\"Cancel my\" now"),
            (texts(&["cancel", "my", "now"]), texts(&["cancel my"]))
        );
        assert_eq!(read("\"Canc\""), (vec![], texts(&["canc"])));
        assert_eq!(read("航班 ok"), (texts(&["ok"]), texts(&["航班"])));
        assert_eq!(read("\"open"), (texts(&["open"]), vec![]));
    }

    #[test]
    fn wildcards_of_like_are_characters() {
        assert_eq!(contains_pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
