//! Refuses a free-threaded Python with words.
//!
//! What the package does to dicts and lists is safe because the interpreter's lock keeps other threads
//! away. PyO3 would build an extension that runs without that lock, and tells nobody.

fn main() {
    if pyo3_build_config::get().is_free_threaded() {
        println!(
            "cargo::error=hipflask needs a Python with the global interpreter lock, and this one is free-threaded: \
             use the usual build of the same version, such as python3.14 instead of python3.14t"
        );
    }
}
