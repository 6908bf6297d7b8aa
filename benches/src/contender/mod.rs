//! Who takes part. Each file turns a workload and an operation into something that can be timed.

mod axum_extra;
mod cookie;
mod flask;
mod floor;
mod hipflask;
mod itsdangerous;

use crate::{
    measure::{Local, Runner},
    workload::{Operation, Workload},
};

pub use flask::Flask;

/// Prepares one contender; `None` if it has no such operation.
pub type Prepare = fn(&Workload, Operation) -> Option<Box<dyn Runner>>;

/// Every contender that runs in this process, the floor first.
pub const LOCAL: [(&str, Prepare); 6] = [
    ("floor", floor::prepare),
    ("only its HMAC, only its deflate", floor::prepare_part),
    ("hipflask", hipflask::prepare),
    ("`itsdangerous` crate + serde_json", itsdangerous::prepare),
    ("`cookie` signed jar + serde_json", cookie::prepare),
    ("axum-extra `SignedCookieJar` + serde_json", axum_extra::prepare),
];

fn local<R>(call: impl FnMut() -> R + 'static) -> Option<Box<dyn Runner>>
where
    R: 'static,
{
    Some(Box::new(Local(call)))
}

/// What the libraries without sessions leave to their users: one value out of the JSON text.
fn small_value(json: &str, key: &str) -> Option<u64> {
    let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    map.get(key)?.as_u64()
}

/// All items of the cart out of the JSON text.
fn cart(json: &str) -> Option<Vec<crate::workload::Item>> {
    #[derive(serde::Deserialize)]
    struct Cart {
        cart: Vec<crate::workload::Item>,
    }
    Some(serde_json::from_str::<Cart>(json).ok()?.cart)
}
