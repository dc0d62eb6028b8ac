//! A rollout across processes, by the headers of W3C trace context and baggage.

use std::fmt::Write as _;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::scope::Scope;
use crate::settings::percent_decoded;

/// Header of the trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Header that carries the project beside the trace context.
pub const BAGGAGE: &str = "baggage";

const PROJECT_MEMBER: &str = "caribou.project";

/// A rollout that another process opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Remote {
    pub(crate) span_context: SpanContext,
    pub(crate) project: Option<String>,
}

impl Scope {
    /// The value of [`TRACEPARENT`] for this scope.
    pub fn traceparent(&self) -> String {
        let context = self.span_context();
        format!("00-{}-{}-01", context.trace_id(), context.span_id())
    }

    /// The value of [`BAGGAGE`] for this scope, keeping what others have put there.
    pub fn baggage(&self, existing: Option<&str>) -> String {
        let ours = format!("{PROJECT_MEMBER}={}", percent_encoded(self.project()));
        let others = existing
            .into_iter()
            .flat_map(|existing| existing.split(','))
            .map(str::trim)
            .filter(|member| !member.is_empty() && member_value(member, PROJECT_MEMBER).is_none());
        others
            .chain(std::iter::once(ours.as_str()))
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl Remote {
    /// Reads the headers; `None` where [`TRACEPARENT`] is not valid.
    ///
    /// ```
    /// use caribou::propagation::Remote;
    ///
    /// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// assert!(Remote::from_headers(parent, Some("caribou.project=my-agent")).is_some());
    /// assert!(Remote::from_headers("00-0-0-01", None).is_none());
    /// ```
    pub fn from_headers(traceparent: &str, baggage: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let known = version.len() == 2 && version != "ff" && flags.len() >= 2;
        let lengths = trace_id.len() == 32 && span_id.len() == 16;
        let (trace_id, span_id) = (
            TraceId::from_hex(trace_id).ok()?,
            SpanId::from_hex(span_id).ok()?,
        );
        let valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        let project = baggage
            .into_iter()
            .flat_map(|baggage| baggage.split(','))
            .find_map(|member| member_value(member.trim(), PROJECT_MEMBER));
        (known && lengths && valid).then(|| Self {
            span_context: SpanContext::new(
                trace_id,
                span_id,
                TraceFlags::SAMPLED,
                true,
                TraceState::NONE,
            ),
            project,
        })
    }
}

/// The value of a baggage member of this name, without its properties.
fn member_value(member: &str, name: &str) -> Option<String> {
    let (key, rest) = member.split_once('=')?;
    let value = rest.split(';').next().unwrap_or_default();
    (key.trim() == name).then(|| percent_decoded(value.trim()))
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_survives_the_header_whatever_it_is_called() {
        let member = format!("{PROJECT_MEMBER}={}", percent_encoded("mein Projekt, α=1;"));
        let header = format!("a=1, {member} , b=2");
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let remote = Remote::from_headers(parent, Some(&header)).unwrap();
        assert_eq!(remote.project.as_deref(), Some("mein Projekt, α=1;"));
    }

    #[test]
    fn a_wrong_traceparent_is_none() {
        for wrong in [
            "",
            "garbage",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert!(Remote::from_headers(wrong, None).is_none(), "{wrong}");
        }
    }
}
