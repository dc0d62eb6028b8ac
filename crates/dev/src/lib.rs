//! Generates reference pages and checks that generated files are fresh.

#![forbid(unsafe_code)]

mod environment;

use std::path::{Path, PathBuf};

/// A file of the repository that is made from the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Where it is, from the root of the repository.
    pub path: &'static str,
    /// What it must hold.
    pub content: String,
}

impl Generated {
    /// Its place on this machine.
    pub fn location(&self) -> PathBuf {
        root().join(self.path)
    }

    /// True where the file holds what it must.
    pub fn is_fresh(&self) -> bool {
        std::fs::read_to_string(self.location()).is_ok_and(|content| content == self.content)
    }
}

/// Every generated file with its content.
pub fn generated_files() -> Vec<Generated> {
    vec![
        Generated {
            path: "ui/openapi.json",
            content: kestrel::openapi::document_json(),
        },
        Generated {
            path: "docs/environment.md",
            content: environment::page(),
        },
    ]
}

fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("this crate is two folders below the root")
}
