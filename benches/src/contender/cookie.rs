//! The `cookie` crate: a signed jar of its own format, with JSON inside.

use cookie::{Cookie, CookieJar, Key};
use serde_json::{Map, Value};

use super::{cart, local, small_value};
use crate::{
    measure::Runner,
    workload::{Operation, Workload, forge},
};

pub(super) fn prepare(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let key = Key::from(&[7; 64]);
    let Workload { key: small, untagged, .. } = workload.clone();
    let cookie = save(&key, &untagged).expect("it is JSON");
    let value = cookie.strip_prefix("session=")?.split(';').next()?.to_owned();
    match operation {
        Operation::Open => {
            let open = move || small_value(&verified(&key, &value)?, small);
            assert_eq!(open(), workload.expected());
            local(open)
        }
        Operation::OpenCart => {
            let open = move || cart(&verified(&key, &value)?);
            assert_eq!(open().map(|items| items.len()), Some(30));
            local(open)
        }
        Operation::Save => local(move || save(&key, &untagged)),
        Operation::Forged => {
            let forged = forge(&value);
            let open = move || verified(&key, &forged);
            assert_eq!(open(), None);
            local(open)
        }
    }
}

fn verified(key: &Key, value: &str) -> Option<String> {
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::new("session", value.to_owned()));
    Some(jar.signed(key).get("session")?.value().to_owned())
}

fn save(key: &Key, content: &Map<String, Value>) -> Option<String> {
    let mut jar = CookieJar::new();
    let json = serde_json::to_string(content).ok()?;
    let cookie = Cookie::build(("session", json)).http_only(true).path("/");
    jar.signed_mut(key).add(cookie);
    Some(jar.get("session")?.to_string())
}
