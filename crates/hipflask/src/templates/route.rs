//! Named routes, and `url_for` over them. Knows nothing of routers: names and paths are given.
//!
//! Quoting is that of Werkzeug's [`MapAdapter.build`][py].
//!
//! DIFFERENCE: a `/` inside `{id}` is written `%2F`, so that a value cannot become another route;
//! Werkzeug leaves it.
//!
//! [py]: https://werkzeug.palletsprojects.com/en/stable/routing/#werkzeug.routing.MapAdapter.build

use std::{collections::BTreeMap, sync::Arc};

use minijinja::{
    ErrorKind,
    value::{Kwargs, Value, ValueKind},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::print;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// `!$'()*,:;@` and more may stay as they are, depending on the place.
const COMMON: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'@');
const SEGMENT: &AsciiSet = &COMMON.remove(b'&').remove(b'+').remove(b'=');
const SEGMENTS: &AsciiSet = &SEGMENT.remove(b'/');
/// A space is handled apart: it becomes `+`.
const QUERY: &AsciiSet = &COMMON.remove(b'/').remove(b'?').remove(b' ');
const ANCHOR: &AsciiSet = &SEGMENTS.remove(b'%').remove(b'#').remove(b'?');

/// The routes that have a name, in axum's syntax of paths.
///
/// ```
/// use hipflask::templates::Routes;
///
/// let routes = Routes::new()
///     .with("home", "/")
///     .with("profile", "/users/{id}/edit")
///     .with("static", "/static/{*filename}");
///
/// assert_eq!(routes.url("home")?, "/");
/// assert_eq!(routes.url_for("profile", [("id", 3)])?, "/users/3/edit");
/// assert_eq!(
///     routes.url_for("profile", [("id", "3"), ("tab", "a b"), ("_anchor", "bio")])?,
///     "/users/3/edit?tab=a+b#bio"
/// );
/// assert_eq!(routes.url_for("static", [("filename", "css/a.css")])?, "/static/css/a.css");
/// # Ok::<(), hipflask::templates::UrlError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Routes(Arc<BTreeMap<String, Vec<Piece>>>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// `{name}`
    Segment(String),
    /// `{*name}`
    Rest(String),
}

/// Why there is no address.
///
/// ```
/// use hipflask::templates::Routes;
///
/// let routes = Routes::new().with("home", "/").with("login", "/login");
/// let error = routes.url("logn").unwrap_err();
/// assert_eq!(error.to_string(), "no route is named `logn`; there are `home`, `login`");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// A parameter of the path was not given.
    #[error("route `{name}` needs a value for `{parameter}`")]
    Missing {
        /// The route.
        name: String,
        /// What its path asks for.
        parameter: String,
    },
    /// No route has this name.
    #[error("no route is named `{name}`; there are {}", listed(.known))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// All names that there are.
        known: Vec<String>,
    },
    /// `_external` and `_scheme` would need the host, which only the application knows.
    #[error("`{argument}` is not supported: write scheme and host in front of the path")]
    Unsupported {
        /// The argument.
        argument: String,
    },
}

impl Routes {
    /// Starts without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a path; a name that is there already is given the new path.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, path: &str) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), parse(path));
        self
    }

    /// Returns the path of a route that has no parameters.
    ///
    /// # Errors
    ///
    /// As [`url_for`](Self::url_for).
    pub fn url(&self, name: &str) -> Result<String, UrlError> {
        self.url_for(name, std::iter::empty::<(&str, &str)>())
    }

    /// Returns the path of a route, with the arguments that its path does not name as the query,
    /// in their order, and `_anchor` as the fragment.
    ///
    /// # Errors
    ///
    /// [`UrlError`] when there is no such route, or when an argument for its path is missing.
    pub fn url_for<K: Into<String>, V: ToString>(
        &self,
        name: &str,
        args: impl IntoIterator<Item = (K, V)>,
    ) -> Result<String, UrlError> {
        let Some(pieces) = self.0.get(name) else {
            let known = self.0.keys().cloned().collect();
            return Err(UrlError::Unknown { name: name.into(), known });
        };
        let args = args.into_iter().map(|(key, value)| (key.into(), value.to_string())).collect();
        build(pieces, args).map_err(|error| match error {
            BuildError::Missing(parameter) => UrlError::Missing { name: name.into(), parameter },
            BuildError::Unsupported(argument) => UrlError::Unsupported { argument },
        })
    }
}

impl UrlError {
    /// Says the same without what a template may have computed.
    pub(super) fn without_values(&self) -> String {
        match self {
            Self::Unknown { known, .. } => {
                format!("no route has this name; there are {}", listed(known))
            }
            other => other.to_string(),
        }
    }
}

/// Returns `url_for` as templates call it.
pub(super) fn function(
    routes: Routes,
) -> impl Fn(&str, Kwargs) -> Result<String, minijinja::Error> + Send + Sync + 'static {
    move |name, kwargs| {
        let mut args = Vec::new();
        for key in kwargs.args() {
            push_arg(&mut args, key, &kwargs.peek(key)?)?;
        }
        kwargs.assert_all_used().ok();
        routes.url_for(name, args).map_err(|error| {
            minijinja::Error::new(ErrorKind::InvalidOperation, "url_for failed").with_source(error)
        })
    }
}

/// As in Flask, `None` is no argument, and a list stands for several.
fn push_arg(
    args: &mut Vec<(String, String)>,
    key: &str,
    value: &Value,
) -> Result<(), minijinja::Error> {
    let for_other_hosts = matches!(key, "_external" | "_scheme");
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => {}
        _ if for_other_hosts && !value.is_true() => {}
        ValueKind::Seq => {
            for item in value.try_iter()? {
                args.push((key.into(), print::text(&item).into()));
            }
        }
        _ => args.push((key.into(), print::text(value).into())),
    }
    Ok(())
}

enum BuildError {
    Missing(String),
    Unsupported(String),
}

fn build(pieces: &[Piece], mut args: Vec<(String, String)>) -> Result<String, BuildError> {
    let mut path = String::new();
    for piece in pieces {
        let (name, keep) = match piece {
            Piece::Text(text) => {
                path.push_str(text);
                continue;
            }
            Piece::Segment(name) => (name, SEGMENT),
            Piece::Rest(name) => (name, SEGMENTS),
        };
        let at = args.iter().position(|(key, _)| key == name);
        let (_, value) = args.remove(at.ok_or_else(|| BuildError::Missing(name.clone()))?);
        path.extend(utf8_percent_encode(&value, keep));
    }
    // Two slashes in front would be another host.
    let mut url = format!("/{}", path.trim_start_matches('/'));
    let mut anchor = None;
    let mut separator = '?';
    for (key, value) in args {
        match key.as_str() {
            "_anchor" => anchor = Some(value),
            "_external" | "_scheme" => return Err(BuildError::Unsupported(key)),
            "_method" => {}
            _ => {
                url.push(separator);
                push_query(&mut url, &key);
                url.push('=');
                push_query(&mut url, &value);
                separator = '&';
            }
        }
    }
    if let Some(anchor) = anchor {
        url.push('#');
        url.extend(utf8_percent_encode(&anchor, ANCHOR));
    }
    Ok(url)
}

fn push_query(url: &mut String, text: &str) {
    for part in utf8_percent_encode(text, QUERY) {
        url.push_str(&part.replace(' ', "+"));
    }
}

/// Reads axum's syntax: `{name}`, `{*name}`, and `{{`, `}}` for the braces themselves. A brace
/// without its partner, which axum refuses, is text.
fn parse(mut path: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    while let Some(at) = path.find(['{', '}']) {
        let (before, rest) = path.split_at(at);
        text.push_str(before);
        let parameter = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        path = if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push_str(&rest[..1]);
            &rest[2..]
        } else if let Some((name, after)) = parameter {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(match name.strip_prefix('*') {
                Some(name) => Piece::Rest(name.into()),
                None => Piece::Segment(name.into()),
            });
            after
        } else {
            text.push_str(&rest[..1]);
            &rest[1..]
        };
    }
    text.push_str(path);
    pieces.push(Piece::Text(text));
    pieces
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none, so name them with `Routes::with`".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, args: &[(&str, &str)], expected: Result<&str, &str>) {
        let routes = Routes::new().with("here", path);
        let url = routes.url_for("here", args.iter().copied()).map_err(|error| error.to_string());
        assert_eq!(url.as_deref().map_err(String::as_str), expected, "{path} {args:?}");
    }

    /// Every printable character of ASCII, and what is not ASCII.
    fn all_characters() -> String {
        (' '..='~').chain(['é', '\u{2028}']).collect()
    }

    #[test]
    fn url_for_fills_the_path() {
        check("/users/{id}/edit", &[("id", "3")], Ok("/users/3/edit"));
        check("/{year}-{month}.html", &[("month", "2"), ("year", "1")], Ok("/1-2.html"));
        check("/{{id}}/{id}", &[("id", "3")], Ok("/{id}/3"));
        check("relative", &[], Ok("/relative"));
        check("/a{b", &[("b", "1")], Ok("/a{b?b=1"));
        check("/a}é{", &[], Ok("/a}é{"));
        check("", &[], Ok("/"));
        check("/{id}", &[("ID", "3")], Err("route `here` needs a value for `id`"));
    }

    #[test]
    fn url_for_appends_the_query_in_order() {
        check("/", &[("b", "1"), ("a", "2"), ("b", "3")], Ok("/?b=1&a=2&b=3"));
        check("/{id}", &[("id", "1"), ("id", "2")], Ok("/1?id=2"));
        check("/", &[("e", "")], Ok("/?e="));
        check("/", &[("_anchor", "a"), ("x", "1"), ("_method", "POST")], Ok("/?x=1#a"));
        check("/", &[("_anchor", "")], Ok("/#"));
    }

    #[test]
    fn url_for_quotes_as_werkzeug_3() {
        let all = all_characters();
        let path = "%20!%22%23$%25&'()*+,-./0123456789:;%3C=%3E%3F@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
            %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%C3%A9%E2%80%A8";
        let query = "+!%22%23$%25%26'()*%2B,-./0123456789:;%3C%3D%3E?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
            %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%C3%A9%E2%80%A8";
        let anchor = "%20!%22#$%&'()*+,-./0123456789:;%3C=%3E?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
            %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%C3%A9%E2%80%A8";
        check("/f/{*p}", &[("p", &all)], Ok(&format!("/f/{path}")));
        check("/f/{p}", &[("p", &all)], Ok(&format!("/f/{}", path.replace('/', "%2F"))));
        check("/", &[(&all, &all)], Ok(&format!("/?{query}={query}")));
        check("/", &[("_anchor", &all)], Ok(&format!("/#{anchor}")));
    }

    #[test]
    fn url_for_never_leaves_the_host() {
        check("/{*path}", &[("path", "//evil.example")], Ok("/evil.example"));
        check("/{path}", &[("path", "/evil.example")], Ok("/%2Fevil.example"));
        check("/{*path}", &[("path", "\\evil.example")], Ok("/%5Cevil.example"));
        let refused = "`_scheme` is not supported: write scheme and host in front of the path";
        check("/", &[("_scheme", "https")], Err(refused));
    }

    #[test]
    fn unknown_name_is_answered_with_the_names() {
        let text = Routes::new().url("home").unwrap_err().to_string();
        assert_eq!(
            text,
            "no route is named `home`; there are none, so name them with `Routes::with`"
        );
    }
}
