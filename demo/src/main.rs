//! The program that a bare `cargo run` starts; see the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_demo::main().await
}
