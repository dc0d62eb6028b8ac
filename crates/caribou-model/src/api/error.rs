//! The shape of every error.

use serde::{Deserialize, Serialize};

/// Body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// For people: what happened and the next step.
    pub message: String,
    /// Class: `invalid_request`, `not_found`, `unavailable`, `too_large`, `forbidden`, `internal_error`.
    #[serde(rename = "type")]
    pub error_type: String,
    /// For programs: stable name of this very error.
    pub code: String,
}
