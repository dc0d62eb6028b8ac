//! Generated files are what the sources say.

#[test]
fn generated_files_are_fresh() {
    let files = dev::generated_files();
    let stale: Vec<_> = files
        .iter()
        .filter(|file| !file.is_fresh())
        .map(|file| file.path)
        .collect();
    assert!(stale.is_empty(), "run `make gen`: {stale:?}");
}
