//! The parts of each provider, before and after.

use serde_json::{Value, json};

use crate::fixtures::{PNG, encoded, lift_json, pdf, png_url, url, wav};

fn becomes(before: &Value, after: &Value) {
    let (lifted, lifter) = lift_json(&before.to_string());
    assert_eq!(&parsed(&lifted), after);
    assert_eq!(lifter.images().len(), 1);
    assert_eq!((lifter.invalid(), lifter.unrecognised()), (0, 0));
    // The same inside a tool result that is serialised JSON, and inside messages that are serialised once more.
    let once = json!({"result": before.to_string()}).to_string();
    let twice = json!([{"parts": once}]).to_string();
    let outer = parsed(&lift_json(&twice).0);
    let middle = parsed(outer[0]["parts"].as_str().unwrap_or_default());
    assert_eq!(
        &parsed(middle["result"].as_str().unwrap_or_default()),
        after
    );
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("what was JSON stays JSON")
}

fn png_data_url() -> String {
    format!("data:image/png;base64,{PNG}")
}

#[test]
fn openai_chat_image() {
    becomes(
        &json!([{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": png_data_url(), "detail": "low"}}]),
        &json!([{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": png_url(), "detail": "low"}}]),
    );
}

#[test]
fn openai_responses_image() {
    becomes(
        &json!({"role": "user", "content": [{"type": "input_image", "image_url": png_data_url()}]}),
        &json!({"role": "user", "content": [{"type": "input_image", "image_url": png_url()}]}),
    );
}

#[test]
fn openai_responses_generated_image_and_screenshot() {
    becomes(
        &json!({"type": "image_generation_call", "id": "ig_1", "result": PNG}),
        &json!({"type": "image_generation_call", "id": "ig_1", "result": png_url()}),
    );
    becomes(
        &json!({"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": png_data_url()}}),
        &json!({"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": png_url()}}),
    );
}

#[test]
fn openai_input_audio() {
    let (wav, mp3) = (wav(), encoded(b"\xff\xfb\x90\x00"));
    becomes(
        &json!({"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}}),
        &json!({"type": "input_audio", "input_audio": {"data": url(&wav, "audio/wav"), "format": "wav"}}),
    );
    becomes(
        &json!({"type": "input_audio", "input_audio": {"format": "mp3", "data": mp3}}),
        &json!({"type": "input_audio", "input_audio": {"format": "mp3", "data": url(&mp3, "audio/mpeg")}}),
    );
}

#[test]
fn openai_spoken_answer() {
    let mp3 = encoded(b"\xff\xfb\x90\x00");
    becomes(
        &json!({"audio": {"id": "audio_1", "data": mp3, "transcript": "yes"}}),
        &json!({"audio": {"id": "audio_1", "data": url(&mp3, "audio/mpeg"), "transcript": "yes"}}),
    );
}

#[test]
fn openai_file_as_data_url_and_bare() {
    let pdf = pdf();
    let reference = url(&pdf, "application/pdf");
    for data in [format!("data:application/pdf;base64,{pdf}"), pdf] {
        becomes(
            &json!({"type": "file", "file": {"filename": "a.pdf", "file_data": data}}),
            &json!({"type": "file", "file": {"filename": "a.pdf", "file_data": reference}}),
        );
    }
}

#[test]
fn openai_file_of_a_kind_that_bytes_do_not_tell() {
    let csv = encoded(b"a,b,c\n1,2,3\n");
    let reference = url(&csv, "text/csv");
    assert!(reference.contains("type=text%2Fcsv"));
    becomes(
        &json!({"type": "input_file", "file_data": format!("data:text/csv;base64,{csv}")}),
        &json!({"type": "input_file", "file_data": reference}),
    );
}

#[test]
fn anthropic_image_and_document() {
    becomes(
        &json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
        &json!({"type": "image", "source": {"type": "url", "media_type": "image/png", "url": png_url()}}),
    );
    let pdf = pdf();
    becomes(
        &json!({"type": "document", "source": {"data": pdf, "media_type": "application/pdf", "type": "base64"}, "title": "t"}),
        &json!({"type": "document", "source": {"url": url(&pdf, "application/pdf"), "media_type": "application/pdf", "type": "url"}, "title": "t"}),
    );
}

#[test]
fn anthropic_tool_result_with_an_image() {
    becomes(
        &json!({"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "text", "text": "done"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]}),
        &json!({"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "text", "text": "done"},
            {"type": "image", "source": {"type": "url", "media_type": "image/png", "url": png_url()}}]}),
    );
}

#[test]
fn a_source_that_has_a_url_already_keeps_its_names() {
    becomes(
        &json!({"type": "base64", "url": "https://example.com/a.png", "data": PNG}),
        &json!({"type": "base64", "url": "https://example.com/a.png", "data": png_url()}),
    );
}

#[test]
fn genai_blob_becomes_a_uri_part() {
    becomes(
        &json!([{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "modality": "image", "content": PNG}]}]),
        &json!([{"role": "user", "parts": [{"type": "uri", "mime_type": "image/png", "modality": "image", "uri": png_url()}]}]),
    );
}

#[test]
fn other_bare_forms_are_replaced_in_place() {
    for (before, after) in [
        (
            json!({"type": "image", "data": PNG, "mimeType": "image/png"}),
            json!({"type": "image", "data": png_url(), "mimeType": "image/png"}),
        ),
        (
            json!({"inline_data": {"mime_type": "image/png", "data": PNG}}),
            json!({"inline_data": {"mime_type": "image/png", "data": png_url()}}),
        ),
        (
            json!({"data": [{"b64_json": PNG}]}),
            json!({"data": [{"b64_json": png_url()}]}),
        ),
        (
            json!({"image": {"format": "png", "source": {"bytes": PNG}}}),
            json!({"image": {"format": "png", "source": {"bytes": png_url()}}}),
        ),
        (json!({"screenshot": PNG}), json!({"screenshot": png_url()})),
        (json!([PNG, 1]), json!([png_url(), 1])),
        (
            json!({"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PNG}),
            json!({"type": "image", "source_type": "url", "mime_type": "image/png", "url": png_url()}),
        ),
    ] {
        becomes(&before, &after);
    }
}

#[test]
fn shortened_examples_stay_and_are_counted() {
    for part in [
        r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo..."}}"#,
        r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}"#,
        r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,!!!"}}"#,
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo..."}}"#,
    ] {
        let (lifted, lifter) = lift_json(part);
        assert_eq!(lifted, part);
        assert_eq!((lifter.images().len(), lifter.invalid()), (0, 1), "{part}");
    }
}

#[test]
fn bytes_that_belie_the_claim_stay_and_are_counted() {
    let noise = encoded(b"no picture");
    for part in [
        json!({"url": format!("data:image/png;base64,{noise}")}),
        json!({"type": "base64", "media_type": "image/png", "data": noise}),
    ] {
        let (lifted, lifter) = lift_json(&part.to_string());
        assert_eq!(lifted, part.to_string());
        assert_eq!((lifter.images().len(), lifter.unrecognised()), (0, 1));
    }
}

#[test]
fn the_bytes_win_over_the_claimed_type() {
    let pdf = pdf();
    let part = json!({"type": "base64", "media_type": "image/png", "data": pdf});
    let (lifted, lifter) = lift_json(&part.to_string());
    assert_eq!(lifter.images()[0].mime, "application/pdf");
    assert!(lifted.contains("?type=application%2Fpdf&bytes="));
}
