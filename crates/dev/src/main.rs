//! `cargo run -p dev -- generate` writes the generated files, `-- check` tells which are stale.

use std::io::Write as _;

use anyhow::{Context as _, bail};

fn main() -> anyhow::Result<()> {
    let command = std::env::args().nth(1).unwrap_or_default();
    match command.as_str() {
        "generate" => generate(),
        "check" => check(),
        _ => bail!("say `generate` to write the generated files, or `check` to compare them"),
    }
}

fn generate() -> anyhow::Result<()> {
    for file in dev::generated_files() {
        if !file.is_fresh() {
            let location = file.location();
            std::fs::write(&location, &file.content)
                .with_context(|| format!("cannot write {}", location.display()))?;
            writeln!(std::io::stdout(), "wrote {}", file.path)?;
        }
    }
    Ok(())
}

fn check() -> anyhow::Result<()> {
    let files = dev::generated_files();
    let stale: Vec<_> = files
        .iter()
        .filter(|file| !file.is_fresh())
        .map(|file| file.path)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    bail!("{} not fresh; run `make gen`", stale.join(" and "))
}
