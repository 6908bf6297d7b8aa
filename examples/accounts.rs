//! Guards, flash messages and the current user: the demo is this example.
//!
//! ```sh
//! cargo run --example accounts
//! ```

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_demo::main().await
}
