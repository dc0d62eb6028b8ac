//! Stored images and other binaries.

use serde::{Deserialize, Serialize};

/// A binary that is stored: what `POST /api/v1/images` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoredImage {
    /// What stands for it in logged values: `caribou-image://…`.
    pub url: String,
    /// SHA-256 of its bytes, 64 lower-case hex digits: its name under `/api/v1/images`.
    pub hash: String,
    /// Media type, as its bytes tell it.
    pub mime: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Width in pixels, of raster images.
    pub width: Option<u32>,
    /// Height in pixels, of raster images.
    pub height: Option<u32>,
}
