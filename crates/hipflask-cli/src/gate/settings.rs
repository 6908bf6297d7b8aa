//! What the gate is told: options, and the table `gate` of a TOML file, for which options stand in.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use hyper::header::HeaderName;
use serde::Deserialize;

use super::{
    decision::{Login, PathRule, Policy},
    proxy::Network,
    rule::Rule,
};
use crate::{cli::PrefixArgs, output::Failure};

const ABOUT: &str = "\
Every path and method is answered with 200, with 401, or with --login-url and for pages with 302; with
503 where the store does not answer. Without --require, the session must name a user, by a key of
SESSION_USER_KEYS. docs/gate.md has the proxies' configurations, and the options as TOML.

What a session must hold:
  user_id                the key is there, and its value true in Python
  role == admin          also !=, and for numbers <, <=, >, >=
  role in admin,staff    also `not in`; of a list, one item is to be among these";

/// Answer proxies that ask who a visitor is: nginx, Apache, Traefik, Caddy, Envoy
#[derive(Args, Default, Deserialize)]
#[command(after_help = ABOUT)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GateArgs {
    /// Where proxies ask [default: 127.0.0.1:4180]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Where Apache asks, by FastCGI; then HTTP only with --listen
    #[arg(long, value_name = "ADDR")]
    pub(super) fastcgi_listen: Option<String>,
    /// Where /healthz and /metrics are; without it, nowhere
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<String>,
    /// The configuration of the app, as `check` reads it; without it, the environment
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,
    /// The address of the store of sessions; without it, the configuration's, or the cookie
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// What a session must hold; repeat it for more
    #[arg(long, value_name = "EXPR")]
    require: Vec<String>,
    /// What the app is told: a header with the value of a session's key; repeat it for more
    #[arg(long, value_name = "NAME=KEY", value_parser = header)]
    #[serde(skip)]
    header: Vec<(String, String)>,
    #[arg(skip)]
    headers: BTreeMap<String, String>,
    /// The absolute address where visitors log in; it gets the page as `next`
    #[arg(long, value_name = "URL")]
    login_url: Option<String>,
    /// Answer 401 instead of 302, with the address in `Location`, as nginx needs it
    #[arg(long)]
    no_redirect: bool,
    /// Answer 403 to a visitor who is logged in but lacks a role
    #[arg(long)]
    forbid: bool,
    /// A proxy whose X-Forwarded-Uri is the page, by address or network; repeat it for more
    #[arg(long, value_name = "NETWORK")]
    trusted_proxy: Vec<String>,
    /// Send a cookie that was refreshed; only where the site behind sets no session cookie
    #[arg(long)]
    pub(super) set_cookie: bool,
    #[arg(skip)]
    path: Vec<PathTable>,
    #[command(flatten)]
    #[serde(skip)]
    pub(super) prefix: PrefixArgs,
}

/// What one path has of its own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathTable {
    path: String,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    require: Vec<String>,
}

/// A TOML file: what else is in it is the app's.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    gate: GateArgs,
}

impl GateArgs {
    /// Puts these options over those of a file's text.
    pub(super) fn over(self, text: &str) -> Result<Self, Failure> {
        // The whole error quotes the line.
        let file: File = toml::from_str(text).map_err(|error| wrong("gate", error.message()))?;
        let file = file.gate;
        let list = |own: Vec<_>, other| if own.is_empty() { other } else { own };
        Ok(Self {
            listen: self.listen.or(file.listen),
            fastcgi_listen: self.fastcgi_listen.or(file.fastcgi_listen),
            admin_listen: self.admin_listen.or(file.admin_listen),
            store: self.store.or(file.store),
            require: list(self.require, file.require),
            headers: file.headers,
            login_url: self.login_url.or(file.login_url),
            no_redirect: self.no_redirect || file.no_redirect,
            forbid: self.forbid || file.forbid,
            trusted_proxy: list(self.trusted_proxy, file.trusted_proxy),
            set_cookie: self.set_cookie || file.set_cookie,
            path: file.path,
            ..self
        })
    }

    pub(super) fn trusted(&self) -> Result<Vec<Network>, Failure> {
        let network = |text: &String| text.parse().map_err(|error| wrong("trusted_proxy", error));
        self.trusted_proxy.iter().map(network).collect()
    }

    pub(super) fn policy(&self, user_keys: Vec<String>) -> Result<Policy, Failure> {
        Ok(Policy {
            requires: rules(&self.require)?,
            user_keys,
            paths: self.paths()?,
            headers: self.identity()?,
            login: self.login()?,
            forbids: self.forbid,
        })
    }

    fn paths(&self) -> Result<Vec<PathRule>, Failure> {
        let mut paths: Vec<PathRule> = Vec::new();
        for table in &self.path {
            let path = table.path.trim_end_matches('/').to_owned();
            let is_plain = super::path::Page::of_target(&table.path).is_below(&path) == Some(true);
            if !is_plain || path.contains(['%', '?', '#']) {
                return Err(wrong("path", "expected a plain path, such as `/static`"));
            }
            if table.public != table.require.is_empty() {
                return Err(wrong("path", "expected `public = true`, or something to require"));
            }
            if paths.iter().any(|other| other.path == path) {
                return Err(wrong("path", format_args!("expected `{path}` only once")));
            }
            let requires = (!table.public).then(|| rules(&table.require)).transpose()?;
            paths.push(PathRule { path, requires });
        }
        Ok(paths)
    }

    fn identity(&self) -> Result<Vec<(HeaderName, String)>, Failure> {
        let of_file = self.headers.iter().filter(|_| self.header.is_empty());
        let all = self.header.iter().map(|(name, key)| (name, key)).chain(of_file);
        let mut headers: Vec<(HeaderName, String)> = Vec::new();
        for (name, key) in all {
            let Ok(name) = HeaderName::try_from(name) else {
                return Err(wrong("header", "expected the name of a header"));
            };
            if TAKEN.contains(&name.as_str()) {
                return Err(wrong("header", format_args!("`{name}` means something else")));
            }
            if headers.iter().any(|(other, _)| *other == name) {
                return Err(wrong("header", format_args!("expected `{name}` only once")));
            }
            headers.push((name, key.clone()));
        }
        Ok(headers)
    }

    fn login(&self) -> Result<Option<Login>, Failure> {
        let Some(url) = &self.login_url else { return Ok(None) };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host =
            rest.is_some_and(|rest| !rest.starts_with(['/', '?', ':']) && !rest.is_empty());
        let is_plain =
            url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>".contains(&byte));
        if !has_host || !is_plain {
            let expected =
                "expected an absolute address without fragment, such as https://shop.example/login";
            return Err(wrong("login_url", expected));
        }
        Ok(Some(Login { url: url.clone(), redirects: !self.no_redirect }))
    }
}

/// Headers that HTTP itself or the answer needs.
const TAKEN: [&str; 13] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "host",
    "keep-alive",
    "location",
    "set-cookie",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn rules(texts: &[String]) -> Result<Vec<Rule>, Failure> {
    texts.iter().map(|text| text.parse().map_err(|error| wrong("require", error))).collect()
}

/// Reads `NAME=KEY`.
fn header(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, key)) if !name.is_empty() && !key.is_empty() => Ok((name.into(), key.into())),
        _ => Err("expected NAME=KEY, such as X-User-Id=user_id"),
    }
}

fn wrong(name: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Configuration(format!("{name}: {error}"))
}
