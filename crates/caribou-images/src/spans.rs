//! Takes binaries out of spans before they become rows.

use std::borrow::Cow;
use std::collections::HashSet;

use caribou_model::{Payload, SpanRecord};

use crate::candidate::may_hold_image;
use crate::image::Image;
use crate::lifter::{Lifter, Limits};

/// Says that something in a span claims to be base64 and is not.
const INVALID_IMAGE: &str = "invalid_image";

/// A binary and the project that stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectImage {
    /// The project.
    pub project: String,
    /// The binary.
    pub image: Image,
}

/// Replaces the binaries in spans by their URLs; what was lifted, once per project.
///
/// Nearly all spans hold none, which costs one look over their texts.
pub fn lift_spans(spans: &mut [SpanRecord<'_>]) -> Vec<ProjectImage> {
    let mut lifted = Vec::new();
    let mut seen = HashSet::new();
    for span in spans.iter_mut().filter(|span| may_hold_images(span)) {
        for image in lift_and_mark(span, Limits::default()) {
            let project = span.project.clone().into_owned();
            if seen.insert((project.clone(), image.hash)) {
                lifted.push(ProjectImage { project, image });
            }
        }
    }
    lifted
}

/// Leaves the binaries where they are, and marks what claims to be one and is not, as [`lift_spans`] does.
pub fn mark_invalid_images(spans: &mut [SpanRecord<'_>]) {
    let nothing = Limits {
        min_bytes: usize::MAX,
        ..Limits::default()
    };
    for span in spans.iter_mut().filter(|span| may_hold_images(span)) {
        lift_and_mark(span, nothing);
    }
}

fn lift_and_mark(span: &mut SpanRecord<'_>, limits: Limits) -> Vec<Image> {
    let mut lifter = Lifter::new(limits);
    lift_span(span, &mut lifter);
    if lifter.invalid() > 0 && !span.marks.contains(&INVALID_IMAGE) {
        span.marks.push(INVALID_IMAGE);
    }
    lifter.into_images()
}

fn may_hold_images(span: &SpanRecord<'_>) -> bool {
    let texts: [&str; 14] = [
        span.content.as_str(),
        span.input.as_str(),
        span.output.as_str(),
        &span.attributes,
        &span.tool_calls,
        &span.reasoning,
        &span.span_events,
        &span.details,
        &span.artifacts,
        &span.criteria,
        &span.metadata,
        &span.prompt,
        &span.error_message,
        &span.links,
    ];
    texts
        .into_iter()
        .any(|text| !text.is_empty() && may_hold_image(text))
}

fn lift_span(span: &mut SpanRecord<'_>, lifter: &mut Lifter) {
    for payload in [&mut span.content, &mut span.input, &mut span.output] {
        match payload {
            Payload::None => {}
            Payload::Text(text) => lift_text(text, lifter),
            Payload::Json(json) => lift_json(json, lifter),
        }
    }
    for json in [
        &mut span.attributes,
        &mut span.tool_calls,
        &mut span.span_events,
        &mut span.details,
        &mut span.artifacts,
        &mut span.criteria,
        &mut span.metadata,
        &mut span.links,
    ] {
        lift_json(json, lifter);
    }
    for text in [
        &mut span.reasoning,
        &mut span.prompt,
        &mut span.error_message,
    ] {
        lift_text(text, lifter);
    }
}

fn lift_text(text: &mut Cow<'_, str>, lifter: &mut Lifter) {
    if let Cow::Owned(replaced) = lifter.lift_text(text) {
        *text = Cow::Owned(replaced);
    }
}

fn lift_json(json: &mut Cow<'_, str>, lifter: &mut Lifter) {
    if let Cow::Owned(replaced) = lifter.lift_json(json) {
        *json = Cow::Owned(replaced);
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn data_url() -> String {
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 64]].concat();
        format!("data:image/png;base64,{}", STANDARD.encode(png))
    }

    fn span(project: &'static str) -> SpanRecord<'static> {
        SpanRecord {
            project: project.into(),
            ..SpanRecord::default()
        }
    }

    #[test]
    fn every_field_of_a_span_is_lifted_from_and_each_project_stores_an_image_once() {
        let image = data_url();
        let json = || -> Cow<'static, str> { format!(r#"{{"a":"{image}"}}"#).into() };
        let text = || -> Cow<'static, str> { format!("see {image} there").into() };
        let full = |project| SpanRecord {
            content: Payload::Json(json()),
            input: Payload::Text(text()),
            output: Payload::Text(image.clone().into()),
            attributes: json(),
            tool_calls: json(),
            span_events: json(),
            details: json(),
            artifacts: json(),
            criteria: json(),
            metadata: json(),
            links: json(),
            reasoning: text(),
            prompt: text(),
            error_message: text(),
            ..span(project)
        };
        let mut spans = [full("a"), full("a"), full("b")];
        let lifted = lift_spans(&mut spans);
        let projects: Vec<&str> = lifted.iter().map(|image| image.project.as_str()).collect();
        assert_eq!(projects, ["a", "b"]);
        for span in &spans {
            let shown = format!("{span:?}");
            assert!(!shown.contains("base64"), "{shown}");
            assert_eq!(shown.matches("caribou-image://").count(), 14);
            assert!(span.marks.is_empty());
        }
    }

    #[test]
    fn what_is_no_base64_stays_and_is_marked_once() {
        let text = "data:image/png;base64,iVBORw0KGgo...";
        let mut spans = [
            SpanRecord {
                content: Payload::Text(text.into()),
                reasoning: text.into(),
                ..span("a")
            },
            span("a"),
        ];
        assert_eq!(lift_spans(&mut spans), []);
        assert_eq!(spans[0].content.as_str(), text);
        assert_eq!(spans[0].marks, [INVALID_IMAGE]);
        assert!(spans[1].marks.is_empty());
    }

    #[test]
    fn where_nothing_is_lifted_what_is_no_base64_is_marked_all_the_same() {
        let good = data_url();
        let bad = "data:image/png;base64,iVBORw0KGgo...";
        let mut spans = [
            SpanRecord {
                content: Payload::Text(good.clone().into()),
                ..span("a")
            },
            SpanRecord {
                content: Payload::Text(bad.into()),
                ..span("a")
            },
        ];
        mark_invalid_images(&mut spans);
        assert_eq!(spans[0].content.as_str(), good);
        assert_eq!(spans[1].content.as_str(), bad);
        assert!(spans[0].marks.is_empty());
        assert_eq!(spans[1].marks, [INVALID_IMAGE]);
    }
}
