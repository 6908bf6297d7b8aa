//! What was given in the place of a cookie: its value, a header, or several lines of headers.

use super::{exchange::Exchange, set_cookie::SetCookie};

/// What stands in a text.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Bare values.
    pub(super) values: Vec<String>,
    /// Headers.
    pub(super) exchange: Exchange,
}

/// Takes a text apart; `name` is that of the session's cookie.
pub(super) fn read(text: &str, name: &str) -> Given {
    let mut given = Given::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let header =
            line.split_once(':').map(|(header, rest)| (header.to_ascii_lowercase(), rest.trim()));
        match header {
            Some((header, rest)) if header == "cookie" => given.exchange.cookies.push(rest.into()),
            Some((header, rest)) if header == "set-cookie" => {
                given.exchange.set_cookies.push(rest.into());
            }
            _ if SetCookie::is_one(line) => given.exchange.set_cookies.push(line.into()),
            _ if is_cookie_line(line, name) => given.exchange.cookies.push(line.into()),
            _ => given.values.push(line.into()),
        }
    }
    given
}

fn is_cookie_line(line: &str, name: &str) -> bool {
    let starts = line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    starts || line.contains("; ") || line.contains(&format!(",{name}="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, values: &[&str], cookies: &[&str], set_cookies: &[&str]) {
        let given = read(text, "session");
        assert_eq!(given.values, values, "{text}");
        assert_eq!(given.exchange.cookies, cookies, "{text}");
        assert_eq!(given.exchange.set_cookies, set_cookies, "{text}");
    }

    #[test]
    fn values_and_headers_are_told_apart() {
        check("eyJh.aR_RAA.VYs\n", &["eyJh.aR_RAA.VYs"], &[], &[]);
        check("eyJhIjogMX0=.aR_RAA.VYs", &["eyJhIjogMX0=.aR_RAA.VYs"], &[], &[]);
        check("session=eyJh", &[], &["session=eyJh"], &[]);
        check("a=1; session=eyJh", &[], &["a=1; session=eyJh"], &[]);
        check("COOKIE: a=1", &[], &["a=1"], &[]);
        check("Set-Cookie: session=x", &[], &[], &["session=x"]);
        check("session=x; HttpOnly; Path=/", &[], &[], &["session=x; HttpOnly; Path=/"]);
        check("theme=dark,session=x", &[], &["theme=dark,session=x"], &[]);
        check("\n \n", &[], &[], &[]);
    }
}
