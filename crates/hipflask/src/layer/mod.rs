//! The tower middleware: a thin adapter around [`Interface`](hipflask_core::interface::Interface).
//!
//! A request that never asks for its session passes through one check. The first extractor that
//! asks opens it; after the handler the response gets what `save` decided. The session travels in a
//! slot of the current task and not in the request, so that nothing is allocated for a request
//! that does not ask.

mod future;
#[expect(clippy::module_inception, reason = "the folder grammar of tower: layer, service, future")]
mod layer;
mod respond;
mod service;
mod slot;

pub use future::SessionFuture;
pub use layer::SessionLayer;
pub(crate) use layer::Shared;
pub use service::SessionService;
#[cfg(feature = "axum")]
pub(crate) use slot::{innermost, named};
