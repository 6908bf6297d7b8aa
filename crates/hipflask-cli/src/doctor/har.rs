//! HAR files, as browsers save them: requests and answers as JSON.
//!
//! Text in, exchanges out. [The format](http://www.softwareishard.com/blog/har-12-spec/) has no schema that
//! all browsers keep, so that what is missing is left out.

use serde_json::Value;

use super::{
    exchange::{Exchange, Into},
    place::Place,
};

/// Reads a file; `None` if it is no HAR.
pub(super) fn read(text: &str) -> Option<Vec<Exchange>> {
    let har: Value = serde_json::from_str(text).ok()?;
    Some(har.get("log")?.get("entries")?.as_array()?.iter().map(exchange).collect())
}

fn exchange(entry: &Value) -> Exchange {
    let request = &entry["request"];
    let sent = |name| lines(request, name);
    let place = request["url"].as_str().and_then(Place::parse);
    // Firefox puts all cookies of an answer into one entry, line by line.
    let set_cookies = lines(&entry["response"], "set-cookie");
    let set_cookies = set_cookies.iter().flat_map(|it| it.lines().map(str::to_owned)).collect();
    Exchange {
        is_cross_site: place.as_ref().is_some_and(|place| is_cross_site(request, place)),
        place,
        method: request["method"].as_str().unwrap_or("GET").into(),
        cookies: sent("cookie"),
        set_cookies,
        into: match sent("sec-fetch-dest").first().map(String::as_str) {
            Some("document") => Into::Page,
            Some("iframe" | "frame") => Into::Frame,
            Some(_) => Into::Script,
            None => Into::Unknown,
        },
    }
}

/// Over http to other machines there is no `Sec-Fetch-Site`, but who has started the request is told.
fn is_cross_site(request: &Value, place: &Place) -> bool {
    match lines(request, "sec-fetch-site").first() {
        Some(site) => site == "cross-site",
        None => {
            let from = [lines(request, "origin"), lines(request, "referer")].concat();
            let from = from.iter().find_map(|url| Place::parse(url));
            from.is_some_and(|from| !from.is_same_site(place))
        }
    }
}

fn lines(message: &Value, name: &str) -> Vec<String> {
    let headers = message["headers"].as_array().map_or(&[][..], Vec::as_slice);
    let named = headers
        .iter()
        .filter(|it| it["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
    named.filter_map(|it| it["value"].as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_are_read_from_what_browsers_save() {
        let har = r#"{"log":{"entries":[{"request":{"method":"POST","url":"https://a.example/x",
            "headers":[{"name":"Cookie","value":"session=x"},{"name":"sec-fetch-site","value":"cross-site"}]},
            "response":{"headers":[{"name":"Set-Cookie","value":"a=1\nsession=y"}]}},{}]}}"#;
        let exchanges = read(har).unwrap();
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges[0].cookies, ["session=x"]);
        assert_eq!(exchanges[0].set_cookies, ["a=1", "session=y"]);
        assert!(exchanges[0].is_cross_site && exchanges[0].method == "POST");
        assert_eq!(exchanges[1].place, None);
    }

    #[test]
    fn other_json_is_no_har() {
        for text in ["", "{}", "[]", r#"{"log":{}}"#, r#"{"log":{"entries":1}}"#, "{\"log\""] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
