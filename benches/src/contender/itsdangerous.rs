//! The `itsdangerous` crate: Flask's signature, without compression, tags or sessions.

use std::time::Duration;

use itsdangerous::{
    IntoTimestampSigner, TimedSerializer, URLSafeEncoding, default_builder,
    timed_serializer_with_signer,
};
use serde_json::{Map, Value};

use super::local;
use crate::{
    measure::Runner,
    workload::{Item, Operation, SECRET_KEY, Workload, forge},
};

const MAX_AGE: Duration = Duration::from_secs(31 * 24 * 60 * 60);

#[derive(serde::Deserialize)]
struct Cart {
    cart: Vec<Item>,
}

pub(super) fn prepare(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let signer = default_builder(SECRET_KEY).with_salt("cookie-session").build();
    let serializer = timed_serializer_with_signer(signer.into_timestamp_signer(), URLSafeEncoding);
    let Workload { key, untagged, .. } = workload.clone();
    let cookie = serializer.sign(&untagged).expect("it is JSON");
    match operation {
        Operation::Open => {
            let open = move || {
                let map = serializer.unsign::<Map<String, Value>>(&cookie).ok()?;
                map.value_if_not_expired(MAX_AGE).ok()?.get(key)?.as_u64()
            };
            assert_eq!(open(), workload.expected());
            local(open)
        }
        Operation::OpenCart => {
            let open = move || {
                let cart = serializer.unsign::<Cart>(&cookie).ok()?;
                Some(cart.value_if_not_expired(MAX_AGE).ok()?.cart)
            };
            assert_eq!(open().map(|items| items.len()), Some(30));
            local(open)
        }
        Operation::Save => local(move || serializer.sign(&untagged).ok()),
        Operation::Forged => {
            let forged = forge(&cookie);
            let open = move || serializer.unsign::<Map<String, Value>>(&forged).is_ok();
            assert!(!open());
            local(open)
        }
    }
}
