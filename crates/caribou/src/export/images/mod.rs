//! Images on their way into ClickHouse: out of the rows, into a bucket or Kestrel, before the rows refer to them.
//!
//! Everything happens on the thread of the destination, from spans that queue and spool hold with their images inside:
//! a kill loses none, and what is sent again is recognised by its content.

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "s3")]
mod bucket_http;
mod kestrel;

use std::time::{Duration, Instant};

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
    outage: Option<Outage>,
}

/// A time in which images were not taken.
#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    /// When the last attempt failed.
    tried: Instant,
    /// Some stayed in the rows since.
    stayed: bool,
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

impl Outage {
    /// How long spans wait for the store of their images: what comes after them waits as well.
    const LONGEST_WAIT: Duration = Duration::from_secs(600);
    /// After that, how often it is asked whether it takes any again.
    const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

    /// With one more attempt that failed.
    fn goes_on(former: Option<Self>, now: Instant) -> Self {
        Self {
            since: former.map_or(now, |outage| outage.since),
            tried: now,
            stayed: false,
        }
    }

    fn is_long(self) -> bool {
        self.tried.duration_since(self.since) >= Self::LONGEST_WAIT
    }

    /// Whether images stay in the rows now. However long the spans wait between two attempts, they do at the second.
    fn is_waited_out(self, now: Instant) -> bool {
        let is_recent = now.duration_since(self.tried) < Self::ASK_AGAIN_AFTER;
        self.is_long() && (is_recent || !self.stayed)
    }
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
            outage: None,
        }
    }

    /// Stores the images in spans and leaves references in their place. Where their store has taken none for long, the
    /// images stay where they are, so that one that is never taken does not hold up everything for ever.
    pub(super) fn store(&mut self, spans: &mut [SpanRecord<'_>]) -> Result<Unrecorded, NotStored> {
        let now = Instant::now();
        let waited_out = self.outage.filter(|outage| outage.is_waited_out(now));
        let is_waited_out = waited_out.is_some();
        if let Some(outage) = waited_out {
            self.outage = Some(Outage {
                stayed: true,
                ..outage
            });
        }
        if matches!(self.place, Place::Rows) || is_waited_out {
            mark_invalid_images(spans);
            return Ok(Unrecorded::default());
        }
        let stored = self.store_lifted(spans);
        // What is refused is set aside, and holds up nothing.
        if stored.as_ref().is_err_and(|failed| !failed.refused) {
            self.outage = Some(Outage::goes_on(self.outage, Instant::now()));
        }
        stored
    }

    /// What there is to say about images that stay in the rows although there is a store for them.
    pub(super) fn warning(&self) -> String {
        if !self.outage.is_some_and(Outage::is_long) {
            return String::new();
        }
        format!(
            "images stay in the rows, as nobody has taken them for {} minutes",
            Outage::LONGEST_WAIT.as_secs() / 60
        )
    }

    fn store_lifted(&mut self, spans: &mut [SpanRecord<'_>]) -> Result<Unrecorded, NotStored> {
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
                self.outage = None;
                Ok(unrecorded)
            }
            Place::Kestrel(kestrel) => {
                for ProjectImage { project, image } in images {
                    kestrel.store(&project, &image)?;
                    self.known.insert(project, image.hash);
                }
                self.outage = None;
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use caribou_model::Payload;
    use test_support::ReservedAddress;

    use super::*;
    use crate::settings::KestrelTarget;

    #[test]
    fn images_stay_in_the_rows_once_nobody_has_taken_them_for_long() {
        let nobody = ReservedAddress::new();
        let mut images = Images::new(&ImageTarget::Kestrel(KestrelTarget {
            url: format!("http://{nobody}"),
            named: true,
            api_key: None,
            certificates: None,
        }));
        let png = BASE64_STANDARD.encode([&b"\x89PNG\r\n\x1a\n"[..], &[7; 100]].concat());
        let text = format!("data:image/png;base64,{png}");
        let spans = || {
            [SpanRecord {
                content: Payload::Text(text.clone().into()),
                ..SpanRecord::default()
            }]
        };
        for _ in 0..2 {
            assert!(images.store(&mut spans()).is_err(), "they wait");
        }
        let outage = images.outage.as_mut().unwrap();
        outage.tried = outage.since + Outage::LONGEST_WAIT;
        assert!(!outage.stayed && !images.warning().is_empty());
        let mut spans = spans();
        assert!(images.store(&mut spans).is_ok());
        assert_eq!(spans[0].content.as_str(), text);
    }

    #[test]
    fn after_a_long_outage_each_attempt_that_fails_lets_something_pass() {
        let began = Instant::now();
        let outage = Outage::goes_on(None, began);
        let long_after = Duration::from_secs(86_400);
        assert!(!outage.is_waited_out(began + long_after), "one failure");
        let failed = began + Outage::LONGEST_WAIT;
        let outage = Outage::goes_on(Some(outage), failed);
        assert!(outage.is_waited_out(failed + long_after));
        let outage = Outage {
            stayed: true,
            ..outage
        };
        assert!(outage.is_waited_out(failed));
        assert!(
            !outage.is_waited_out(failed + Outage::ASK_AGAIN_AFTER),
            "then it is asked again"
        );
    }
}
