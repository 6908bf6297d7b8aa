//! Times Hipflask beside its rivals, real Flask, and the least that could be spent.
//!
//! Outside the product: only the binaries use it. Nothing here
//! asserts a time; what is asserted is that each contender does the work it is timed for.

pub mod contender;
pub mod handler;
pub mod measure;
pub mod router;
pub mod samples;
pub mod workload;
