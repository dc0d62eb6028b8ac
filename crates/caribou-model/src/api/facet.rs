//! Values to filter by, with counts.

use serde::{Deserialize, Serialize};

/// One field that lists can be filtered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facet {
    /// Name of the filter: `model`, `status`, `tags`, ….
    pub field: String,
    /// The most frequent values first.
    pub values: Vec<FacetValue>,
}

/// One value and how many traces have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// How many traces have it, within the other filters.
    pub count: u64,
}
