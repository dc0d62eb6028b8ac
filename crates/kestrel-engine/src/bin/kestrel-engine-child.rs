//! The engine's child process as an executable of its own, for tests and for programs that are not `kestrel`.

fn main() {
    kestrel_engine::run_child();
}
