//! What lifting costs: `cargo run --release -p caribou-images --example cost`.

use std::hint::black_box;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caribou_images::{Lifter, may_hold_image};

fn main() {
    let prose = "The agent opened src/main.rs, read 120 lines and found that the limit is wrong. "
        .repeat(14);
    let call = r#"{"id":"call_3f2a8c1e9d4b4f6a8e2d","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"src/lib.rs\"}"}},"#;
    let compact = format!("[{}null]", call.repeat(9));
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0".to_vec();
    png.extend((0..1_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    let image = format!(
        r#"[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]"#,
        STANDARD.encode(&png)
    );
    assert!(!may_hold_image(&prose) && !may_hold_image(&compact));
    report("prose", &prose, 1_000_000);
    report("compact JSON", &compact, 1_000_000);
    report(
        "a hash",
        &format!("{prose}{}", "0123456789abcdef".repeat(4)),
        1_000_000,
    );
    report("a word about base64", &format!("{compact} base64"), 100_000);
    report("an image of 1 MB", &image, 50);
}

#[expect(clippy::print_stdout, reason = "the result is for a reader")]
fn report(name: &str, text: &str, rounds: u32) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..rounds {
            let mut lifter = Lifter::default();
            black_box(lifter.lift_json(black_box(text)));
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(rounds));
    }
    println!("{name:20} {:>9} bytes {:>12.0} ns", text.len(), best * 1e9);
}
