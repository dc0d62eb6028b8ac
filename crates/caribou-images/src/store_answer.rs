//! What an object store says when it refuses.

/// Leaves out what a store repeats of a request whose signature it does not accept: the session's token is part of it.
///
/// ```
/// let said = "<Message>It differs.</Message><CanonicalRequest>x-amz-security-token:hidden";
/// assert_eq!(caribou_images::without_request(said), "<Message>It differs.</Message>");
/// ```
#[must_use]
pub fn without_request(text: &str) -> &str {
    const REPEATED: [&str; 4] = [
        "<AWSAccessKeyId>",
        "<StringToSign>",
        "<CanonicalRequest>",
        "<CanonicalRequestBytes>",
    ];
    let ends = REPEATED.iter().filter_map(|tag| text.find(tag));
    &text[..ends.min().unwrap_or(text.len())]
}
