//! The tower middleware: a thin adapter around [`SessionInterface`](crate::SessionInterface).
//!
//! A request that never asks for its session passes through one check. The first extractor that
//! asks opens it; after the handler the response gets what the core's machine decided.

mod future;
#[expect(clippy::module_inception, reason = "the folder grammar of tower: layer, service, future")]
mod layer;
mod service;

pub use future::SessionFuture;
pub use layer::SessionLayer;
pub use service::SessionService;
