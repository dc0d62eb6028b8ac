//! Images on their way into ClickHouse: out of the rows, into a bucket or Kestrel, before the rows refer to them.
//!
//! Everything happens on the thread of the destination, from spans that queue and spool hold with their images inside:
//! a kill loses none, and what is sent again is recognised by its content.

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "s3")]
mod bucket_http;
mod kestrel;

use std::time::Duration;

use caribou_clickhouse::ImageRow;
use caribou_images::{KnownImages, ProjectImage, lift_spans, mark_invalid_images};
use caribou_model::SpanRecord;

use self::kestrel::KestrelImages;
use super::destination::Outcome;
use crate::settings::ImageTarget;

/// Takes images out of spans and stores them.
pub(super) struct Images {
    place: Place,
    known: KnownImages,
}

enum Place {
    #[cfg(feature = "s3")]
    Bucket(bucket::Bucket),
    Kestrel(KestrelImages),
    Rows,
}

/// Images that are stored, but not yet noted as those of their project.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    /// The rows that the table `images` is to get.
    pub(super) rows: Vec<ImageRow>,
    hashes: Vec<[u8; 32]>,
}

/// Why images were not stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotStored {
    /// The store will never take them.
    refused: bool,
    /// Nothing listens at its address.
    unreachable: bool,
    /// When it asked to be tried again, or when it makes sense.
    after: Option<Duration>,
    /// What happened.
    reason: String,
}

impl NotStored {
    /// Wrong keys and wrong addresses do not change within seconds.
    const AFTER_DENIAL: Duration = Duration::from_secs(30);
}

impl From<NotStored> for Outcome {
    fn from(failed: NotStored) -> Self {
        if failed.refused {
            return Self::RefusedTogether {
                reason: failed.reason,
            };
        }
        Self::Later {
            after: failed.after,
            unreachable: failed.unreachable,
            reason: failed.reason,
        }
    }
}

impl Images {
    pub(super) fn new(target: &ImageTarget) -> Self {
        Self {
            place: match target {
                #[cfg(feature = "s3")]
                ImageTarget::Bucket(target) => Place::Bucket(bucket::Bucket::new(target)),
                ImageTarget::Kestrel(target) => Place::Kestrel(KestrelImages::new(target)),
                _ => Place::Rows,
            },
            known: KnownImages::default(),
        }
    }

    /// Stores the images in spans and leaves references in their place.
    pub(super) fn store(&mut self, spans: &mut [SpanRecord<'_>]) -> Result<Unrecorded, NotStored> {
        if matches!(self.place, Place::Rows) {
            mark_invalid_images(spans);
            return Ok(Unrecorded::default());
        }
        let mut images = lift_spans(spans);
        images.retain(|image| !self.known.contains(&image.project, image.image.hash));
        if images.is_empty() {
            return Ok(Unrecorded::default());
        }
        match &mut self.place {
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => {
                let unrecorded = Unrecorded {
                    rows: images.iter().map(image_row).collect(),
                    hashes: images.iter().map(|lifted| lifted.image.hash).collect(),
                };
                bucket.store(images.into_iter().map(|lifted| lifted.image))?;
                Ok(unrecorded)
            }
            Place::Kestrel(kestrel) => {
                for ProjectImage { project, image } in images {
                    kestrel.store(&project, &image)?;
                    self.known.insert(project, image.hash);
                }
                Ok(Unrecorded::default())
            }
            Place::Rows => Ok(Unrecorded::default()),
        }
    }

    /// Notes that the table `images` has the rows.
    pub(super) fn recorded(&self, images: Unrecorded) {
        for (row, hash) in images.rows.into_iter().zip(images.hashes) {
            self.known.insert(row.project, hash);
        }
    }

    /// Takes nothing for stored any more: the tables are gone or others.
    pub(super) fn forget(&mut self) {
        self.known = KnownImages::default();
    }
}

#[cfg(feature = "s3")]
fn image_row(lifted: &ProjectImage) -> ImageRow {
    let ProjectImage { project, image } = lifted;
    ImageRow {
        project: project.clone(),
        hash: image.hash_hex(),
        mime: image.mime.clone(),
        bytes: image.bytes.len() as u64,
        width: image.width,
        height: image.height,
    }
}
