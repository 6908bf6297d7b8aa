//! Says in a few words which browser a request comes from. Trusts nothing: a client writes what it
//! likes.

use axum::http::{HeaderMap, HeaderValue, header::USER_AGENT};

/// The longest text of a client that is none of the known browsers.
const LONGEST: usize = 40;

/// What a browser has in its `User-Agent`; many claim to be others, too, so the order counts.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Returns for instance `Firefox on Linux`, or the beginning of what an unknown client calls itself.
pub(crate) fn agent(headers: &HeaderMap) -> String {
    match headers.get(USER_AGENT).map(HeaderValue::to_str) {
        Some(Ok(text)) if !text.is_empty() => named(text),
        _ => "Unknown browser".to_owned(),
    }
}

fn named(text: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| text.contains(part)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        // The text of a header value is ASCII.
        (None, _) => text.chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let headers = [(USER_AGENT, HeaderValue::from_bytes(text.as_bytes()).unwrap())];
        assert_eq!(agent(&headers.into_iter().collect()), expected);
    }

    #[test]
    fn agent_names_browser_and_system() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let chrome =
            format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/141.0.0.0 Safari/537.36");
        check(&chrome, "Chrome on Linux");
        let windows = chrome.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64");
        check(&format!("{windows} Edg/141.0.0.0"), "Edge on Windows");
        check(&format!("{windows} OPR/120.0.0.0"), "Opera on Windows");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)";
        check(&format!("{phone} Version/18.0 Mobile/15E148 Safari/604.1"), "Safari on iPhone");
        check("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Firefox/140.0", "Firefox on Android");
        check("curl/8.5.0", "curl/8.5.0");
    }

    #[test]
    fn agent_survives_any_header() {
        check("", "Unknown browser");
        check("\u{202e}é", "Unknown browser");
        check(&"<b>".repeat(1000), &"<b>".repeat(14)[..LONGEST]);
        assert_eq!(agent(&HeaderMap::new()), "Unknown browser");
    }
}
