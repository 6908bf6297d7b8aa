//! Ends work on Ctrl-C, between two of its steps, so that it can still say what was done.

use std::future::{Future, pending};

use crate::output::Failure;

/// Does the work unless somebody interrupts it.
pub(super) async fn until_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let interrupted = async {
        // Where it cannot be listened to, the signal itself ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = interrupted => Err(Failure::Interrupted),
        outcome = work => outcome,
    }
}
