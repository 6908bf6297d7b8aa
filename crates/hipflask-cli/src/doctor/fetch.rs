//! A live address: asks for it once without the cookie and once with it.

use std::time::Duration;

use super::{
    exchange::{Exchange, Into},
    place::Place,
};
use crate::output::Failure;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks for an address, and with `cookie` for a second time; does not follow redirects.
pub(super) fn fetch(url: &str, cookie: Option<&str>) -> Result<Vec<Exchange>, Failure> {
    let place = Place::parse(url)
        .ok_or_else(|| Failure::Configuration("expected --url http://… or https://…".into()))?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    let ask = |cookie: Option<&str>| {
        let request = agent.get(url);
        let request = match cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let response = request.call().map_err(|error| {
            Failure::Configuration(format!("cannot fetch {}: {error}", place.origin()))
        })?;
        let lines = response.headers().get_all("set-cookie").into_iter();
        let set_cookies = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
        Ok(Exchange {
            place: Some(place.clone()),
            method: "GET".into(),
            cookies: cookie.map(str::to_owned).into_iter().collect(),
            set_cookies: set_cookies.collect(),
            into: Into::Page,
            ..Exchange::default()
        })
    };
    let first = ask(None);
    let second = cookie.map(|cookie| ask(Some(cookie)));
    [Some(first), second].into_iter().flatten().collect()
}
