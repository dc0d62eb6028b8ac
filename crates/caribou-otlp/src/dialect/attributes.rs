//! The attributes of a foreign span: dialects take out what a field of the model holds, and the rest is kept.

use std::borrow::Cow;

use crate::span::Attribute;
use crate::value::Value;

/// Attributes in the order of their keys; of equal keys only the last.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    entries: Vec<(Cow<'a, str>, Option<Value<'a>>)>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(attributes: impl IntoIterator<Item = Attribute<'a>>) -> Self {
        let mut entries: Vec<_> = attributes
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .collect();
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        entries.dedup_by(|later, kept| {
            let equal = later.0 == kept.0;
            if equal {
                kept.1 = later.1.take();
            }
            equal
        });
        Self { entries }
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries
            .binary_search_by(|(name, _)| name.as_ref().cmp(key))
            .ok()
    }

    /// The value of a key that nobody took yet.
    pub(crate) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.entries[self.position(key)?].1.as_ref()
    }

    pub(crate) fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let position = self.position(key)?;
        self.entries[position].1.take()
    }

    /// Adds attributes whose keys nobody has.
    pub(crate) fn add_absent(&mut self, attributes: Vec<Attribute<'a>>) {
        let own = std::mem::take(&mut self.entries);
        let absent: Vec<Attribute<'a>> = attributes
            .into_iter()
            .filter(|(key, _)| own.binary_search_by(|(name, _)| name.cmp(key)).is_err())
            .collect();
        self.entries = own;
        self.entries
            .extend(absent.into_iter().map(|(key, value)| (key, Some(value))));
        self.entries.sort_by(|left, right| left.0.cmp(&right.0));
    }

    /// Keeps, after all, what was taken.
    pub(crate) fn put_back(&mut self, key: &str, value: Value<'a>) {
        if let Some(position) = self.position(key) {
            self.entries[position].1 = Some(value);
        }
    }

    /// Positions of the keys that begin with a prefix.
    fn range(&self, prefix: &str) -> std::ops::Range<usize> {
        let start = self
            .entries
            .partition_point(|(key, _)| key.as_ref() < prefix);
        let length = self.entries[start..]
            .iter()
            .take_while(|(key, _)| key.starts_with(prefix))
            .count();
        start..start + length
    }

    pub(crate) fn has_prefix(&self, prefix: &str) -> bool {
        let start = self
            .entries
            .partition_point(|(key, _)| key.as_ref() < prefix);
        self.entries
            .get(start)
            .is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Takes everything under a prefix, by what follows the prefix.
    pub(crate) fn take_prefix(&mut self, prefix: &str) -> Vec<Attribute<'a>> {
        self.take_where(prefix, |_| true)
    }

    /// Takes a flattened list (`prefix` + `0.role`, `0.content`, `1.role`, …) and gives back its items in order.
    ///
    /// Holes are skipped; keys under the prefix that do not begin with a sensible index stay.
    pub(crate) fn take_list(&mut self, prefix: &str) -> Vec<Value<'a>> {
        items(tree(self.take_where(prefix, |rest| index(rest).is_some())))
    }

    fn take_where(&mut self, prefix: &str, wanted: fn(&str) -> bool) -> Vec<Attribute<'a>> {
        let range = self.range(prefix);
        self.entries[range]
            .iter_mut()
            .filter(|(key, value)| value.is_some() && wanted(&key[prefix.len()..]))
            .map(|(key, value)| {
                let rest = match key {
                    Cow::Borrowed(key) => Cow::Borrowed(&key[prefix.len()..]),
                    Cow::Owned(key) => Cow::Owned(key[prefix.len()..].to_owned()),
                };
                (rest, value.take().unwrap_or_default())
            })
            .collect()
    }

    /// What nobody took, as a JSON object; empty where there is none.
    pub(crate) fn into_json(self) -> String {
        let rest: Vec<Attribute<'a>> = self
            .entries
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        crate::span_json::json_object(&rest)
    }
}

/// More items than a list of messages has; a higher index is hostile or no index.
const MAX_INDEX: u32 = 10_000;

fn index(path: &str) -> Option<u32> {
    let first = path.split('.').next()?;
    first.parse().ok().filter(|index| *index < MAX_INDEX)
}

/// Keys with more dots than this are kept as they are from there on.
const MAX_SEGMENTS: usize = 12;

/// Builds the structure that dotted keys, given in order, spell out.
fn tree(pairs: Vec<Attribute<'_>>) -> Value<'_> {
    let mut root = Value::Map(Vec::new());
    for (path, value) in pairs {
        let mut place = &mut root;
        for segment in path.splitn(MAX_SEGMENTS, '.') {
            place = child(place, segment);
        }
        *place = value;
    }
    root
}

/// The child of a name, which in keys in order can only be the last one.
fn child<'t, 'a>(parent: &'t mut Value<'a>, name: &str) -> &'t mut Value<'a> {
    if !matches!(parent, Value::Map(_)) {
        // A key that is both a value and a parent of others: the value goes under the empty name.
        let own = std::mem::take(parent);
        *parent = match own {
            Value::Null => Value::Map(Vec::new()),
            own => Value::Map(vec![(Cow::Borrowed(""), own)]),
        };
    }
    let Value::Map(entries) = parent else {
        unreachable!("made a map just above");
    };
    if entries.last().is_none_or(|(last, _)| last != name) {
        entries.push((Cow::Owned(name.to_owned()), Value::Null));
    }
    let last = entries.len() - 1;
    &mut entries[last].1
}

/// The values of a map whose keys are indices, in the order of these.
pub(crate) fn items(map: Value<'_>) -> Vec<Value<'_>> {
    let Value::Map(entries) = map else {
        return Vec::new();
    };
    let mut numbered: Vec<(u32, Value<'_>)> = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.parse().ok()?, value)))
        .collect();
    numbered.sort_by_key(|(index, _)| *index);
    numbered.into_iter().map(|(_, value)| value).collect()
}
