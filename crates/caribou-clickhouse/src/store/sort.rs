//! The order of a list of rollouts, and the place in it where a page ends.

use std::cmp::Ordering;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::statement::Statement;
use super::{Result, StoreError};

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Start.
    #[default]
    StartedAt,
    /// Score; rollouts without one come last.
    Score,
    /// Cost; rollouts without one come last.
    CostUsd,
    /// Tokens read.
    InputTokens,
    /// Tokens written.
    OutputTokens,
    /// Duration.
    DurationMs,
    /// Turns.
    TurnCount,
    /// Spans.
    SpanCount,
}

impl SortKey {
    const ALL: [Self; 8] = [
        Self::StartedAt,
        Self::Score,
        Self::CostUsd,
        Self::InputTokens,
        Self::OutputTokens,
        Self::DurationMs,
        Self::TurnCount,
        Self::SpanCount,
    ];

    /// The name in the API, which is the column's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartedAt => "started_at",
            Self::Score => "score",
            Self::CostUsd => "cost_usd",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::DurationMs => "duration_ms",
            Self::TurnCount => "turn_count",
            Self::SpanCount => "span_count",
        }
    }

    const fn is_nullable(self) -> bool {
        matches!(self, Self::Score | Self::CostUsd)
    }

    const fn is_float(self) -> bool {
        matches!(self, Self::Score | Self::DurationMs)
    }

    /// Whether a number can be one of the column.
    fn holds(self, number: i128) -> bool {
        match self {
            Self::StartedAt | Self::Score | Self::DurationMs => i64::try_from(number).is_ok(),
            Self::CostUsd => number.unsigned_abs() < COST_LIMIT,
            Self::InputTokens | Self::OutputTokens | Self::TurnCount | Self::SpanCount => {
                u64::try_from(number).is_ok()
            }
        }
    }
}

/// A column and a direction: `started_at`, `-score`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSort {
    /// What is compared.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

impl Default for TraceSort {
    fn default() -> Self {
        Self {
            key: SortKey::StartedAt,
            descending: true,
        }
    }
}

impl FromStr for TraceSort {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let key = SortKey::ALL.into_iter().find(|key| key.as_str() == name);
        key.map(|key| Self { key, descending }).ok_or_else(|| {
            let names: Vec<_> = SortKey::ALL.iter().map(|key| key.as_str()).collect();
            StoreError::InvalidQuery(format!(
                "sort must be one of {}, with `-` in front for largest first, not {text:?}",
                names.join(", ")
            ))
        })
    }
}

/// Where a row stands in the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Value of the sort column as an ordered number; null where it is null.
    pub(super) number: Option<i128>,
    /// Start in nanoseconds since 1970, which orders what is equal.
    pub(super) started: i64,
    pub(super) trace_id: String,
    pub(super) project: String,
}

/// A dollar, in the last places of `cost_usd`.
const COST_UNIT: u128 = 10_u128.pow(12);

/// What has one digit more than `cost_usd`, in its last places.
const COST_LIMIT: u128 = 10_u128.pow(38);

const TIME: &str = "fromUnixTimestamp64Nano(toInt64(?), 'UTC')";

impl TraceSort {
    /// The sort column as a whole number that orders like it and survives a round trip through a cursor.
    ///
    /// Floats are shown by their bits, which order like them where the sign is clear and are flipped where it is set.
    pub(super) fn number_expression(self) -> String {
        let column = self.key.as_str();
        let ordered = match self.key {
            SortKey::StartedAt => "toUnixTimestamp64Nano(started_at)".to_owned(),
            // A decimal is a whole number of its last places.
            SortKey::CostUsd => format!("reinterpretAsInt128(assumeNotNull({column}))"),
            key if key.is_float() => {
                // Adding zero makes minus zero zero.
                let bits = format!("reinterpretAsInt64(assumeNotNull({column}) + 0.)");
                format!(
                    "if({bits} < 0, bitXor({bits}, toInt64({})), {bits})",
                    i64::MAX
                )
            }
            _ => column.to_owned(),
        };
        if self.key.is_nullable() {
            format!("if(isNull({column}), NULL, toInt128({ordered}))")
        } else {
            format!("toNullable(toInt128({ordered}))")
        }
    }

    /// The value of the sort column behind a number, so that the column is compared as it is.
    fn literal(self, number: i128) -> String {
        if self.key == SortKey::CostUsd {
            let sign = if number < 0 { "-" } else { "" };
            let (whole, places) = (
                number.unsigned_abs() / COST_UNIT,
                number.unsigned_abs() % COST_UNIT,
            );
            return format!("toDecimal128('{sign}{whole}.{places:012}', 12)");
        }
        if self.key.is_float() {
            let bits = if number < 0 {
                number ^ i128::from(i64::MAX)
            } else {
                number
            };
            return format!("reinterpretAsFloat64(toInt64({bits}))");
        }
        format!("toUInt64({number})")
    }

    /// The order by sort column and start; rows that are equal in both come in any order.
    pub(super) fn light_order(self) -> String {
        let direction = self.direction();
        let column = match self.key {
            SortKey::StartedAt => return format!("started_at {direction}"),
            key => key.as_str(),
        };
        let nulls = if self.key.is_nullable() {
            " NULLS LAST"
        } else {
            ""
        };
        format!("{column} {direction}{nulls}, started_at {direction}")
    }

    /// The order in full: no two rows of different rollouts are equal in it.
    pub(super) fn exact_order(self) -> String {
        let direction = self.direction();
        let light = self.light_order();
        format!("{light}, trace_id {direction}, project {direction}")
    }

    /// The exact order, on what was read.
    pub(super) fn compare(self, left: &Place, right: &Place) -> Ordering {
        let nulls = left.number.is_none().cmp(&right.number.is_none());
        let order = left.comparable().cmp(&right.comparable());
        nulls.then(if self.descending {
            order.reverse()
        } else {
            order
        })
    }

    const fn direction(self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }

    const fn beyond(self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }

    /// The condition of standing after a place or being equal to it in the light order.
    pub(super) fn from(self, place: &Place) -> Statement {
        let mut later = Statement::new(format!("started_at {}= {TIME}", self.beyond()));
        later.bind(place.started);
        self.beyond_number(place, &later)
    }

    /// The condition of standing after a place in the exact order.
    pub(super) fn after(self, place: &Place) -> Statement {
        let beyond = self.beyond();
        // The first half is on the bare column, so that its index can leave granules out.
        let mut later = Statement::new(format!(
            "(started_at {beyond}= {TIME} AND (started_at {beyond} {TIME} OR (trace_id, project) {beyond} (?, ?)))"
        ));
        later
            .bind(place.started)
            .bind(place.started)
            .bind(&*place.trace_id)
            .bind(&*place.project);
        self.beyond_number(place, &later)
    }

    /// The start that lies so many nanoseconds after another in the direction of a list by start.
    pub(super) const fn beyond_start(self, started: i64, nanos: i64) -> i64 {
        if self.descending {
            started.saturating_sub(nanos)
        } else {
            started.saturating_add(nanos)
        }
    }

    /// The condition of starting up to this time, in the direction of a list by start.
    pub(super) fn until(self, far: i64) -> Statement {
        let within = if self.descending { ">=" } else { "<=" };
        let mut sql = Statement::new(format!("started_at {within} {TIME}"));
        sql.bind(far).to_owned()
    }

    /// The condition of standing beyond a place by the sort column, or `later` where that is equal.
    fn beyond_number(self, place: &Place, later: &Statement) -> Statement {
        if self.key == SortKey::StartedAt {
            return later.clone();
        }
        let column = self.key.as_str();
        let mut sql = Statement::default();
        let Some(number) = place.number else {
            sql.push(&format!("({column} IS NULL AND "));
            return sql.push_statement(later).push(")").to_owned();
        };
        let (beyond, value) = (self.beyond(), self.literal(number));
        let nulls = if self.key.is_nullable() {
            format!("{column} IS NULL OR ")
        } else {
            String::new()
        };
        sql.push(&format!(
            "({nulls}{column} {beyond}= {value} AND ({column} {beyond} {value} OR "
        ));
        sql.push_statement(later).push("))").to_owned()
    }
}

impl Place {
    /// Nanoseconds from the start of one rollout to the next, where there are so many from here to there.
    pub(super) fn pace_to(&self, other: &Self, rollouts: usize) -> i64 {
        let rollouts = i64::try_from(rollouts).unwrap_or(i64::MAX).max(1);
        self.started.saturating_sub(other.started).saturating_abs() / rollouts + 1
    }

    fn comparable(&self) -> (Option<i128>, i64, &str, &str) {
        (self.number, self.started, &self.trace_id, &self.project)
    }
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    place: Place,
    /// Nanoseconds from the start of one rollout of the list to the next, as far as the page before can tell: says how
    /// far to look at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pace: Option<i64>,
}

pub(super) fn cursor_from_place(sort: TraceSort, place: Place, pace: Option<i64>) -> String {
    let cursor = Cursor {
        sort: format!(
            "{}{}",
            if sort.descending { "-" } else { "" },
            sort.key.as_str()
        ),
        place,
        pace,
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).expect("a cursor is plain data"))
}

/// The place where a page begins, and the pace of the list before it.
pub(super) fn place_from_cursor(sort: TraceSort, cursor: &str) -> Result<(Place, Option<i64>)> {
    let wrong = || {
        StoreError::InvalidQuery(
            "the cursor is not of this list; start again without it".to_owned(),
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().ok_or_else(wrong)?;
    let cursor: Cursor = serde_json::from_slice(&bytes).ok().ok_or_else(wrong)?;
    let of_this_list = cursor.sort.parse::<TraceSort>().ok() == Some(sort);
    if !of_this_list
        || !cursor
            .place
            .number
            .is_none_or(|number| sort.key.holds(number))
    {
        return Err(wrong());
    }
    Ok((cursor.place, cursor.pace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_sort() {
        let sort: TraceSort = "-score".parse().unwrap();
        let place = Place {
            number: Some(7),
            started: 8,
            trace_id: "a".to_owned(),
            project: "it's".to_owned(),
        };
        let cursor = cursor_from_place(sort, place.clone(), Some(9));
        assert_eq!(place_from_cursor(sort, &cursor).unwrap(), (place, Some(9)));
        assert!(place_from_cursor(TraceSort::default(), &cursor).is_err());
        assert!(place_from_cursor(sort, "…").is_err());
        assert!("size".parse::<TraceSort>().is_err());
    }

    #[test]
    fn a_cursor_holds_any_number_of_its_column_and_no_other() {
        let read = |sort: &str, number: i128| {
            let sort: TraceSort = sort.parse().unwrap();
            let place = Place {
                number: Some(number),
                started: 8,
                trace_id: "a".to_owned(),
                project: "p".to_owned(),
            };
            let cursor = cursor_from_place(sort, place.clone(), None);
            place_from_cursor(sort, &cursor).is_ok_and(|(read, _)| read == place)
        };
        let largest_cost = 10_i128.pow(38) - 1;
        assert!(read("cost_usd", largest_cost) && read("-cost_usd", -largest_cost));
        assert!(!read("cost_usd", largest_cost + 1) && !read("cost_usd", i128::MIN));
        assert!(read("span_count", u64::MAX.into()) && !read("span_count", -1));
        assert!(read("score", i64::MIN.into()) && !read("score", u64::MAX.into()));
    }
}
