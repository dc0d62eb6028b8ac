//! Finds base64 binaries in logged values and replaces them by `caribou-image://` URLs.
//!
//! ```
//! use caribou_images::{Lifter, image_urls};
//!
//! # let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
//! let logged = format!("look: ![plot](data:image/png;base64,{png})");
//! let mut lifter = Lifter::default();
//! let stored = lifter.lift_text(&logged);
//! assert_eq!(
//!     stored,
//!     "look: ![plot](caribou-image://\
//!      6b7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0\
//!      ?type=image%2Fpng&bytes=70&width=1&height=1)"
//! );
//! let image = &lifter.images()[0];
//! assert_eq!(image_urls(&stored).next().unwrap().url.hash, image.hash);
//! ```
//!
#![doc = include_str!("docs/lifting.md")]
#![forbid(unsafe_code)]

mod base64_text;
mod candidate;
mod data_url;
mod edit;
mod escape;
mod image;
mod json;
mod known;
mod lifter;
mod mime;
mod serving;
mod sniff;
mod spans;
mod store_answer;
mod url;

pub use candidate::may_hold_image;
pub use image::{Image, object_name};
pub use known::KnownImages;
pub use lifter::{Lifter, Limits};
pub use serving::{CONTENT_SECURITY_POLICY, Serving, serving};
pub use sniff::sniff;
pub use spans::{ProjectImage, lift_spans, mark_invalid_images};
pub use store_answer::without_request;
pub use url::{ImageReference, ImageUrl, ParseImageUrlError, image_urls};
