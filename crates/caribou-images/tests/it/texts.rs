//! Texts, spelling of JSON, and limits.

use caribou_images::{Lifter, Limits, image_urls};

use crate::fixtures::{PNG, encoded, lift_json, lift_text, png_url};

#[test]
fn data_urls_in_prose_markdown_and_html_are_lifted() {
    let image = png_url();
    for (before, after) in [
        ("![a](data:image/png;base64,PNG) end", "![a](URL) end"),
        ("<img src='data:image/png;base64,PNG'/>", "<img src='URL'/>"),
        ("data:image/png;base64,PNG", "URL"),
        ("data:image/png;base64, PNG\nA picture", "URL\nA picture"),
        ("看data:image/png;charset=utf-8;base64,PNG。", "看URL。"),
        ("PNG", "URL"),
        (" PNG\n", " URL\n"),
    ] {
        let (lifted, lifter) = lift_text(&before.replace("PNG", PNG));
        assert_eq!(lifted, after.replace("URL", &image));
        assert_eq!(lifter.images().len(), 1);
    }
}

#[test]
fn wrapped_and_url_safe_base64_is_the_same_image() {
    let image = png_url();
    let (first, rest) = PNG.split_at(64);
    let safe = PNG.replace('+', "-").replace('/', "_");
    for payload in [
        format!("{first}\n{rest}"),
        safe.trim_end_matches('=').to_owned(),
        PNG.replace('=', "%3D").replace('+', "%2B"),
    ] {
        let (lifted, lifter) = lift_text(&format!("data:image/png;base64,{payload}"));
        assert_eq!(lifted, image, "{payload}");
        assert_eq!(lifter.images().len(), 1);
    }
}

#[test]
fn everything_around_a_payload_stays_as_it_was_written() {
    let image = png_url();
    let escaped = PNG.replace('/', r"\/");
    let wrapped = format!("{}\\n{}", &PNG[..64], &PNG[64..]);
    for payload in [PNG, &escaped, &wrapped] {
        let before = format!(
            "{{ \"a\" :\t1.50e+1,\"b\\u0062\":\"\\u00e9\\/ data:image\\/png;base64,{payload}) \\ud83d\\ude00\",\n \"c\":[NaN ] }}"
        );
        let after = format!(
            "{{ \"a\" :\t1.50e+1,\"b\\u0062\":\"\\u00e9\\/ {image}) \\ud83d\\ude00\",\n \"c\":[NaN ] }}"
        );
        assert_eq!(lift_json(&before).0, after);
        assert_eq!(lift_text(&before).0, after);
    }
}

#[test]
fn escapes_of_a_declared_payload_are_read() {
    let escaped = PNG.replace('/', r"\/").replace('i', r"\u0069");
    let before = format!(r#"{{"type":"base64","data":"{escaped}"}}"#);
    let after = format!(r#"{{"type":"url","url":"{}"}}"#, png_url());
    assert_eq!(lift_json(&before).0, after);
}

#[test]
fn texts_that_are_no_json_are_searched_as_text() {
    let image = png_url();
    for text in [
        "{'url': 'data:image/png;base64,PNG'}",
        "[\"unfinished data:image/png;base64,PNG",
        "{\"a\":1}\n{\"b\":\"data:image/png;base64,PNG\"} // lines",
        "say \\\"data:image/png;base64,PNG\\\"",
    ] {
        let before = text.replace("PNG", PNG);
        let after = text.replace("data:image/png;base64,PNG", &image);
        assert_eq!(lift_text(&before).0, after);
        assert_eq!(lift_json(&before).0, after);
    }
}

#[test]
fn talk_about_data_urls_is_neither_lifted_nor_counted() {
    for text in [
        "use `data:image/png;base64,` and then the payload",
        "f'data:image/png;base64,{encoded}'",
        "base64 of what? data:image/png;base64, as usual",
    ] {
        let (lifted, lifter) = lift_text(text);
        assert_eq!(lifted, text);
        assert_eq!((lifter.invalid(), lifter.unrecognised()), (0, 0), "{text}");
    }
}

#[test]
fn an_image_that_occurs_often_is_collected_once() {
    let mut lifter = Lifter::default();
    let text = format!("data:image/png;base64,{PNG} data:image/png;base64,{PNG}");
    let lifted = lifter.lift_text(&text).into_owned();
    lifter.lift_text(PNG);
    assert_eq!(image_urls(&lifted).count(), 2);
    assert_eq!(lifter.images().len(), 1);
}

#[test]
fn what_is_too_small_or_too_much_stays() {
    let (small, big) = ("R0lGODlhAQABAAAAACw=", encoded(b"%PDF-"));
    let mut lifter = Lifter::new(Limits {
        max_total_bytes: 100,
        ..Limits::default()
    });
    let text = format!(
        "data:image/gif;base64,{small} data:image/png;base64,{PNG} data:application/pdf;base64,{big}"
    );
    let expected = format!(
        "data:image/gif;base64,{small} {} data:application/pdf;base64,{big}",
        png_url()
    );
    assert_eq!(lifter.lift_text(&text), expected);
    assert_eq!((lifter.images().len(), lifter.over_limit()), (1, 1));
}

#[test]
fn source_maps_and_fonts_in_code_stay_text() {
    let map = encoded(b"{\"version\":3}");
    let text = format!("}}\n//# sourceMappingURL=data:application/json;base64,{map}\n");
    assert_eq!(lift_text(&text).0, text);
}

#[test]
fn parts_below_the_deepest_level_are_strings_like_any_other() {
    let before = format!(
        "{}{{\"url\":\"data:image/png;base64,{PNG}\"}}{}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let (lifted, lifter) = lift_json(&before);
    assert_eq!(lifter.images().len(), 1);
    assert!(lifted.contains(&png_url()));
}
