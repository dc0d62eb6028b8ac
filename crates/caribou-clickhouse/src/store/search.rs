//! Full-text search: what a typed text means, and the SQL that finds it.

use super::statement::Statement;

/// Everything of a span that search looks at, in lower case. The index `search_text` has this very expression.
pub(super) const SEARCHED: &str = "lower(concat(content, '\\n', reasoning, '\\n', tool_calls, '\\n', input, '\\n', \
     output, '\\n', error_message, '\\n', details))";

/// What a typed text asks for: words that must all be there, and runs of text that must.
///
/// A word of ASCII letters and digits is found as a whole word, which the index answers. What stands in double quotes
/// is found as it is, inside words too; so is a word with other letters, because the index does not know where words
/// end in Chinese or Japanese. Letters A to Z are found in either case.
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
        if !word.is_ascii() {
            self.add_run(word);
            return;
        }
        let tokens = word.split(|character: char| !character.is_ascii_alphanumeric());
        let tokens: Vec<&str> = tokens.filter(|token| !token.is_empty()).collect();
        self.words
            .extend(tokens.iter().map(|token| token.to_ascii_lowercase()));
        // `user_id` and `12:30` are several tokens to the index: they must also stand together.
        if tokens != [word] {
            self.add_run(word);
        }
    }

    fn add_run(&mut self, run: &str) {
        if !run.is_empty() {
            self.runs.push(run.to_ascii_lowercase());
        }
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

    /// The condition on a row of `traces`: the text as it is in its name or id.
    pub(super) fn name_condition(text: &str) -> Statement {
        let text = text.trim();
        let mut sql = Statement::default();
        sql.push("name ILIKE ? OR trace_id_text = ? OR trace_id = ?")
            .bind(contains_pattern(text))
            .bind(text)
            .bind(caribou_model::TraceId::from_text(text).to_string());
        sql
    }
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
            (texts(&["now"]), texts(&["cancel my"]))
        );
        assert_eq!(read("航班 ok"), (texts(&["ok"]), texts(&["航班"])));
        assert_eq!(read("\"open"), (texts(&["open"]), vec![]));
    }

    #[test]
    fn wildcards_of_like_are_characters() {
        assert_eq!(contains_pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
