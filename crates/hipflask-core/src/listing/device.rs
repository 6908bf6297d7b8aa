//! A device, as coarse as a person would name it.

/// What a browser calls itself, most special first: most of them call themselves what the next ones are, too.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// The longest name of a program that is kept.
const LONGEST: usize = 32;

/// Names the device of a `User-Agent` header, without versions: enough to tell one's telephone from
/// one's computer, and too little to recognise a person. `None` if it says nothing.
///
/// ```
/// use hipflask_core::listing::device_of;
///
/// let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// assert_eq!(device_of(firefox).as_deref(), Some("Firefox on Linux"));
/// assert_eq!(device_of("curl/8.5.0").as_deref(), Some("curl"));
/// assert_eq!(device_of(""), None);
/// ```
pub fn device_of(user_agent: &str) -> Option<String> {
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
        // A program that says its name, as RFC 9110 wants it: `name/version`.
        (None, None) => {
            let is_part = |it: &char| it.is_ascii_alphanumeric() || "-_.".contains(*it);
            let name: String = user_agent.chars().take_while(is_part).take(LONGEST).collect();
            (!name.is_empty()).then_some(name)
        }
    }
}
