//! A new password for every start, when none is given.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

/// 128 random bits, as hexadecimal digits.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut password = String::with_capacity(32);
    for byte in bytes {
        write!(password, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Ok(password)
}
