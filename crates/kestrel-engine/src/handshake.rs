//! What parent and child say to each other: the configuration on the child's stdin, one report on its stdout.
//!
//! The configuration goes through a pipe because arguments and environment of a process can be read by others, and it
//! holds the password. The pipe then stays open: its end tells the child that the parent is gone.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

const FIELDS: usize = 5;
const MAX_CONFIG_BYTES: usize = 64 * 1024;
const READY: &str = "kestrel-engine ready ";
const FAILED: &str = "kestrel-engine failed ";

/// What the child needs to know to serve. No `Debug`: it holds the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ChildConfig {
    pub(crate) data_dir: PathBuf,
    pub(crate) library: PathBuf,
    pub(crate) password: String,
    pub(crate) max_memory_bytes: u64,
    /// 0 for any free port; a restarted child gets the port of its predecessor.
    pub(crate) port: u16,
}

impl ChildConfig {
    /// Every field ends with a zero byte, which neither a path nor our password can hold.
    pub(crate) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let memory = self.max_memory_bytes.to_string();
        let port = self.port.to_string();
        let fields: [&[u8]; FIELDS] = [
            self.data_dir.as_os_str().as_bytes(),
            self.library.as_os_str().as_bytes(),
            self.password.as_bytes(),
            memory.as_bytes(),
            port.as_bytes(),
        ];
        let mut message = Vec::new();
        for field in fields {
            message.extend_from_slice(field);
            message.push(0);
        }
        out.write_all(&message)?;
        out.flush()
    }

    /// Reads byte by byte, because what follows on the pipe is only its end.
    pub(crate) fn read_from(input: &mut impl Read) -> io::Result<Self> {
        let mut fields: Vec<Vec<u8>> = vec![Vec::new()];
        let mut byte = [0_u8];
        for _ in 0..MAX_CONFIG_BYTES {
            input.read_exact(&mut byte)?;
            if byte[0] != 0 {
                fields
                    .last_mut()
                    .expect("there is always an open field")
                    .push(byte[0]);
                continue;
            }
            if fields.len() == FIELDS {
                return Self::from_fields(fields);
            }
            fields.push(Vec::new());
        }
        Err(invalid("the configuration on stdin is too long"))
    }

    fn from_fields(fields: Vec<Vec<u8>>) -> io::Result<Self> {
        let [data_dir, library, password, memory, port]: [Vec<u8>; FIELDS] = fields
            .try_into()
            .map_err(|_fields| invalid("the configuration on stdin is incomplete"))?;
        Ok(Self {
            data_dir: OsString::from_vec(data_dir).into(),
            library: OsString::from_vec(library).into(),
            password: text(password)?,
            max_memory_bytes: number(memory)?,
            port: number(port)?,
        })
    }
}

/// The one line by which the child tells how its start went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    Ready { port: u16 },
    Failed { message: String },
}

impl Report {
    pub(crate) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let line = match self {
            Self::Ready { port } => format!("{READY}{port}\n"),
            Self::Failed { message } => format!("{FAILED}{}\n", message.replace('\n', " ")),
        };
        out.write_all(line.as_bytes())?;
        out.flush()
    }

    /// `None` for a line that is something else: the library may print to stdout too.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        if let Some(port) = line.strip_prefix(READY) {
            return port.trim().parse().ok().map(|port| Self::Ready { port });
        }
        let message = line.strip_prefix(FAILED)?;
        Some(Self::Failed {
            message: message.trim_end().to_owned(),
        })
    }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_bytes| invalid("a field of the configuration on stdin is not UTF-8"))
}

fn number<N: std::str::FromStr>(bytes: Vec<u8>) -> io::Result<N> {
    text(bytes)?
        .parse()
        .map_err(|_text| invalid("a field of the configuration on stdin is not a number"))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_the_pipe() {
        let config = ChildConfig {
            data_dir: "/a folder\nwith a newline".into(),
            library: "/lib.so".into(),
            password: "p=ss".into(),
            max_memory_bytes: 7,
            port: 4711,
        };
        let mut pipe = Vec::new();
        config.write_to(&mut pipe).unwrap();
        pipe.extend_from_slice(b"not read");
        let read = ChildConfig::read_from(&mut pipe.as_slice()).unwrap();
        assert!(read == config);
    }

    #[test]
    fn a_report_is_one_line_and_other_lines_are_not_reports() {
        let failed = Report::Failed {
            message: "a\nb".into(),
        };
        let mut line = Vec::new();
        failed.write_to(&mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            Report::parse(&line),
            Some(Report::Failed {
                message: "a b".into()
            })
        );
        assert_eq!(Report::parse("Processing configuration file\n"), None);
    }
}
