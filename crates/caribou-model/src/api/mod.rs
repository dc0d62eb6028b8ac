//! The shapes of Kestrel's HTTP API: what the server answers and what clients may rely on.
//!
//! Fields may be added, none is renamed. Times are RFC 3339 with nanoseconds, durations are milliseconds, costs are
//! US dollars as JSON numbers, absent values are `null`.

mod error;
mod facet;
mod image;
mod page;
mod project;
mod span;
mod trace;

pub use error::{ErrorBody, ErrorDetail};
pub use facet::{Facet, FacetValue};
pub use image::StoredImage;
pub use page::Page;
pub use project::{NewProject, Project};
pub use span::{
    OutlineKind, OutlineScore, Span, SpanFields, SpanMatch, SpanMatches, SpanPage, TraceOutline,
};
pub use trace::{Segment, TraceDetail, TraceSummary};
