//! A live address: asks for it once without the cookie and once with it.

use std::{fs, path::Path, time::Duration};

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::{
    exchange::{Exchange, Into},
    place::Place,
};
use crate::output::Failure;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks for an address, and with `cookie` for a second time; does not follow redirects. Trusts the authorities in
/// a file, else those of the web.
pub(super) fn fetch(
    url: &str,
    cookie: Option<&str>,
    authorities: Option<&Path>,
) -> Result<Vec<Exchange>, Failure> {
    let place = Place::parse(url)
        .ok_or_else(|| Failure::Configuration("expected --url http://… or https://…".into()))?;
    let roots = authorities.map_or(Ok(RootCerts::WebPki), read)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
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
            let hint = hint(&error);
            Failure::Configuration(format!("cannot fetch {}: {error}{hint}", place.origin()))
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

/// Reads the certificates in a PEM file.
fn read(path: &Path) -> Result<RootCerts, Failure> {
    let failed = |what: &dyn std::fmt::Display| {
        Failure::Configuration(format!("--ca-file {}: {what}", path.display()))
    };
    let text = fs::read(path).map_err(|error| failed(&error))?;
    let items: Result<Vec<_>, _> = parse_pem(&text).collect();
    let certificates =
        items.map_err(|_| failed(&"expected PEM"))?.into_iter().filter_map(|it| match it {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err(failed(&"expected a certificate as PEM"));
    }
    Ok(RootCerts::from(certificates))
}

/// Says what helps, where the certificate is not trusted.
fn hint(error: &ureq::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("UnknownIssuer") {
        "; give the certificate of its authority with --ca-file, or its own if it signed itself"
    } else if text.contains("CaUsedAsEndEntity") {
        "; it is an authority's own (CA:TRUE): make one for the server that is none"
    } else {
        ""
    }
}
