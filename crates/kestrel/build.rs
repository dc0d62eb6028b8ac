//! Builds again when the web UI was built: a file that appears is nothing that Cargo would notice by itself.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dist");
}
