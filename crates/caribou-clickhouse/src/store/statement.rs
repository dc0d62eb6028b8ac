//! SQL put together from fixed text and bound values.

use clickhouse::Client;
use clickhouse::query::Query;
use serde::Serialize;

/// A value bound to a `?`; the client quotes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Int(i64),
    Ints(Vec<i64>),
    Count(u64),
    Float(f64),
    Keys(Vec<(String, String)>),
}

macro_rules! value {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

value!(String => Text, Vec<String> => Texts, i64 => Int, Vec<i64> => Ints, u64 => Count, f64 => Float,
       Vec<(String, String)> => Keys);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// SQL under construction: text that this crate wrote, and values in the order of its `?`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: Vec::new(),
        }
    }

    /// Adds fixed text. It must come from this crate's source, never from outside.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds the value of the next `?`.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self
    }

    /// Adds another statement, its values included.
    pub(super) fn push_statement(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.values.extend(other.values.iter().cloned());
        self
    }

    pub(super) fn query(&self, client: &Client) -> Query {
        self.values
            .iter()
            .fold(client.query(&self.text), |query, value| query.bind(value))
    }
}
