//! Projects.

use serde::{Deserialize, Serialize};

/// What owns runs and traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Project {
    /// Id; the project's name.
    pub id: String,
    /// Name.
    pub name: String,
    /// When it was registered or first seen.
    pub created_at: Option<String>,
    /// How many rollouts it has.
    pub trace_count: u64,
    /// When its newest rollout started.
    pub last_trace_at: Option<String>,
    /// Page to open.
    pub url: String,
}

/// Body of `POST /api/v1/projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Name, 1 to 200 characters.
    pub name: String,
}
