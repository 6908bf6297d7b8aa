//! axum-extra's signed jar: as the `cookie` crate, from and to whole headers.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key},
};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use serde_json::{Map, Value};

use super::{cart, local, small_value};
use crate::{
    measure::Runner,
    workload::{Operation, Workload, forge},
};

pub(super) fn prepare(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let key = Key::from(&[7; 64]);
    let Workload { key: small, untagged, .. } = workload.clone();
    let response = save(&key, &untagged).expect("it is JSON");
    let cookie = response.headers().get(http::header::SET_COOKIE)?.to_str().ok()?;
    let cookie = cookie.split(';').next()?;
    match operation {
        Operation::Open => {
            let headers = headers(cookie);
            let open = move || small_value(&verified(&key, &headers)?, small);
            assert_eq!(open(), workload.expected());
            local(open)
        }
        Operation::OpenCart => {
            let headers = headers(cookie);
            let open = move || cart(&verified(&key, &headers)?);
            assert_eq!(open().map(|items| items.len()), Some(30));
            local(open)
        }
        Operation::Save => local(move || save(&key, &untagged)),
        Operation::Forged => {
            let forged = forge(cookie.strip_prefix("session=")?);
            let headers = headers(&format!("session={forged}"));
            let open = move || verified(&key, &headers);
            assert_eq!(open(), None);
            local(open)
        }
    }
}

fn headers(cookie: &str) -> HeaderMap {
    let value = HeaderValue::try_from(cookie).expect("a cookie is header text");
    HeaderMap::from_iter([(COOKIE, value)])
}

fn verified(key: &Key, headers: &HeaderMap) -> Option<String> {
    let jar = SignedCookieJar::from_headers(headers, key.clone());
    Some(jar.get("session")?.value().to_owned())
}

fn save(key: &Key, content: &Map<String, Value>) -> Option<Response> {
    let json = serde_json::to_string(content).ok()?;
    let cookie = Cookie::build(("session", json)).http_only(true).path("/");
    Some(SignedCookieJar::new(key.clone()).add(cookie).into_response())
}
