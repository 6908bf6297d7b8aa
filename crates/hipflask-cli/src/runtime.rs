//! Runs what waits for servers: the one way from a verb into a runtime.

use std::future::Future;

use tokio::runtime::Builder;

use crate::output::Failure;

/// Runs work to its end in a runtime of one thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    block_on_in(Builder::new_current_thread(), work)
}

/// Runs work to its end. What a store still does then, such as a call that was interrupted, is not waited for.
pub(crate) fn block_on_in<T>(
    mut kind: Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = kind.enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::Configuration(format!("cannot start a runtime: {error}")))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
