//! One request over the core, as a server would run it.

use std::time::Duration;

use hipflask_core::{
    cookie::{self, Attributes, HeaderEdit, vary},
    interface::{CookieError, CookieSessions, SaveAction},
    session::Session,
    signing::KeyRing,
};
use serde_json::Value as Json;

use super::ops::{self, Stop};
use crate::{
    reject::{now, with_fallbacks},
    vectors::{Row, from_hex},
};

/// What the client sees.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) set_cookie: Vec<String>,
    pub(super) vary: Vec<String>,
}

/// What the handlers of the `vary` rows put into `Vary`: three rows each, of which the first leaves
/// it as it is.
const VARY: [&[&str]; 15] = [
    &["Accept"],
    &["cookie"],
    &["COOKIE"],
    &["*"],
    &["Accept, Cookie"],
    &["Accept", "Origin"],
    &["Cookie", "Origin"],
    &["Accept,Accept"],
    &[""],
    &["\"quoted, x\""],
    &["a b"],
    &["Accept;q=1"],
    &["Accept, "],
    &[" ,"],
    &["Accept-Encoding, Accept-Language"],
];
const FIRST_VARY: u64 = 390;

pub(super) fn check_request(row: &Row) {
    let (actual, _) = run(row);
    let texts = |name| -> Vec<String> {
        let list = row.field(name).as_array().expect("a list").iter();
        list.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let expected = Response {
        status: row.field("status").as_u64().unwrap().try_into().unwrap(),
        set_cookie: texts("set_cookie"),
        vary: texts("vary"),
    };
    row.assert_eq(actual, expected);
}

/// Runs the request of a row; compares what each operation returns on the way.
pub(super) fn run(row: &Row) -> (Response, Option<CookieError>) {
    let interface = interface(row);
    let header = row.field("cookie").as_str().map(latin1);
    let value = header.as_deref().and_then(|header| cookie::find(header, interface.name()));
    let mut session = interface.open(value.as_deref(), now(row)).session;
    let mut response = Response { status: 200, ..Response::default() };
    if let Err(stop) = handle(row, &mut session, &mut response) {
        // An error page starts anew; the session is saved all the same.
        let status = if stop == Stop::Abort { 404 } else { 500 };
        response = Response { status, ..Response::default() };
    }
    ops::run(row, "after", &mut session).expect("no hook fails after the handler");
    let saved = match interface.save(&session, now(row)) {
        Ok(saved) => saved,
        Err(error) => {
            let mut response = Response { status: 500, ..Response::default() };
            add_vary(&mut response.vary, session.is_accessed());
            return (response, Some(error));
        }
    };
    add_vary(&mut response.vary, saved.vary);
    match saved.action {
        SaveAction::Set(header) | SaveAction::Delete(header) => response.set_cookie.push(header),
        _ => {}
    }
    (response, None)
}

pub(super) fn handle(
    row: &Row,
    session: &mut Session,
    response: &mut Response,
) -> Result<(), Stop> {
    ops::run(row, "before", session)?;
    if row.field("path").is_string() {
        return Err(Stop::Abort);
    }
    match row.field("method").as_str() {
        Some("OPTIONS") => return Ok(()),
        Some("PUT") => {
            response.status = 405;
            return Ok(());
        }
        _ => ops::run(row, "ops", session)?,
    }
    if row.field("label") == "vary" {
        let lines = VARY[usize::try_from(row.id() - FIRST_VARY).unwrap() / 3];
        response.vary = lines.iter().map(|line| (*line).to_owned()).collect();
    }
    for pair in row.field("set_cookies").as_array().into_iter().flatten() {
        let [name, value] = [0, 1].map(|at: usize| pair[at].as_str().expect("a text"));
        let attributes = Attributes::new().with_http_only(false);
        let header = cookie::write(name, value, &attributes, None, None);
        response.set_cookie.push(header.expect("a plain cookie"));
    }
    Ok(())
}

pub(super) fn add_vary(lines: &mut Vec<String>, needed: bool) {
    if !needed {
        return;
    }
    match vary::add_cookie(lines.iter().map(|line| line.as_bytes())) {
        HeaderEdit::Add(line) => lines.push(line.to_owned()),
        HeaderEdit::Replace(line) => {
            *lines = vec![String::from_utf8(line).expect("these lines are text")];
        }
        _ => {}
    }
}

fn interface(row: &Row) -> CookieSessions {
    let config = Config(row.field("config"));
    let secret = match &row.field("secret") {
        Json::String(text) => text.clone().into_bytes(),
        Json::Null => Vec::new(),
        bytes => from_hex(bytes["hex"].as_str().expect("bytes in hexadecimal")),
    };
    if secret.is_empty() {
        return CookieSessions::without_key();
    }
    let ring = with_fallbacks(KeyRing::new(secret), config.get("SECRET_KEY_FALLBACKS"));
    let name = config.text("SESSION_COOKIE_NAME").unwrap_or("session");
    let refresh = config.is_true("SESSION_REFRESH_EACH_REQUEST", true);
    let mut interface = CookieSessions::new(&ring)
        .with_cookie(name, config.attributes())
        .with_refresh_each_request(refresh);
    if let Some(lifetime) = config.lifetime() {
        interface = interface.with_lifetime(lifetime);
    }
    match config.get("MAX_COOKIE_SIZE").as_u64() {
        Some(size) => interface.with_max_cookie_size(size.try_into().unwrap()),
        None => interface,
    }
}

pub(super) struct Config<'a>(pub(super) &'a Json);

impl<'a> Config<'a> {
    pub(super) fn get(&self, name: &str) -> &'a Json {
        &self.0[name]
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).as_str()
    }

    /// Python's truth values; those that are no bool are written unlike those that are.
    pub(super) fn is_true(&self, name: &str, default: bool) -> bool {
        match self.get(name) {
            Json::Null => default && self.0.get(name).is_none(),
            Json::Bool(flag) => *flag,
            Json::Number(number) => number.as_f64() != Some(0.0),
            other => panic!("unknown truth value {other}"),
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        let path = ["SESSION_COOKIE_PATH", "APPLICATION_ROOT"].map(|name| self.text(name));
        let path = path[0].filter(|path| !path.is_empty()).or(path[1]).unwrap_or("/");
        let attributes = Attributes::new()
            .with_path(path)
            .with_secure(self.is_true("SESSION_COOKIE_SECURE", false))
            .with_http_only(self.is_true("SESSION_COOKIE_HTTPONLY", true))
            .with_partitioned(self.is_true("SESSION_COOKIE_PARTITIONED", false))
            .with_same_site(
                self.text("SESSION_COOKIE_SAMESITE").map(|rule| rule.parse().expect("a rule")),
            );
        match self.text("SESSION_COOKIE_DOMAIN") {
            Some(domain) => attributes.with_domain(domain).expect("a domain"),
            None => attributes,
        }
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        let name = "PERMANENT_SESSION_LIFETIME";
        self.0.get(name)?;
        let seconds = match self.get(name) {
            Json::Bool(flag) => f64::from(u8::from(*flag)),
            Json::Object(span) => span["timedelta_s"].as_f64().expect("seconds"),
            number => number.as_f64().expect("a lifetime is a number in Rust"),
        };
        Some(Duration::try_from_secs_f64(seconds).expect("no lifetime is negative in Rust"))
    }
}

pub(super) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect()
}
