//! Shadow mode: looks on while other sessions serve, and reports what would be different with ours.
//!
//! A thin adapter: what differs is decided by the core, see [`Difference`](hipflask_core::visit::Difference). The page
//! [Look before you switch](crate::guide::shadow) tells how it is used.

mod budget;
mod layer;
mod look;
mod report;
mod service;
mod theirs;

pub use layer::ShadowLayer;
pub use report::{Counted, ShadowReport};
pub use service::ShadowService;
pub use theirs::TheirSession;
