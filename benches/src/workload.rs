//! The three sessions that are opened and saved, and what is done to them.

use std::time::{SystemTime, UNIX_EPOCH};

use hipflask_core::{
    UnixTime, interface::CookieSessions, serializer::Limits, session::Session, signing::KeyRing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The secret key of every contender that takes one of any length.
pub const SECRET_KEY: &str = "5f352379324c22463451387a0aec5d2f";

/// What is timed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the binaries go through all of them")]
pub enum Operation {
    /// From the cookie's value to one small value, typed.
    Open,
    /// From the cookie's value to all items of the cart, typed.
    OpenCart,
    /// From a session in memory to the cookie.
    Save,
    /// Refuse a cookie in which one character was changed.
    Forged,
}

impl Operation {
    /// Every operation, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Open, Self::OpenCart, Self::Save, Self::Forged];

    /// Returns the name on the command line and in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::OpenCart => "open_cart",
            Self::Save => "save",
            Self::Forged => "forged",
        }
    }
}

/// A session, as JSON and as Flask's cookie.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Workload {
    /// `w1`, `w2` or `w3`.
    pub name: &'static str,
    /// The content as Flask writes it, tags included.
    pub json: String,
    /// The same for libraries that know no tags.
    pub untagged: Map<String, Value>,
    /// The key of the small value that is read, an integer.
    pub key: &'static str,
    /// The value of Flask's cookie.
    pub cookie: String,
    /// When the cookie was signed and is opened.
    pub now: UnixTime,
}

/// One line of the cart.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// The number of the article.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: f64,
    /// How many.
    pub quantity: u32,
    /// Its code.
    pub sku: String,
}

impl Workload {
    /// Returns the three workloads.
    ///
    /// # Panics
    ///
    /// If Hipflask cannot sign one, in which case there is nothing to measure.
    pub fn all() -> [Self; 3] {
        let flashes = |message: Value| json!([message]);
        let flash = json!(["message", "Welcome back, clarissa. You were logged in."]);
        let login = |flashes: Value| {
            json!({
                "_flashes": flashes, "_permanent": true, "user_id": 12345, "username": "clarissa",
                "csrf_token": "3c0f9d5be4b7a1d2a8f06e57c9b31d64f20e8a75",
            })
        };
        let cart = json!({ "_permanent": true, "cart": items(), "user_id": 12345 });
        [
            Self::new("w1", "count", &json!({ "count": 1 }), json!({ "count": 1 })),
            Self::new(
                "w2",
                "user_id",
                &login(flashes(json!({ " t": flash }))),
                login(flashes(flash)),
            ),
            Self::new("w3", "user_id", &cart.clone(), cart),
        ]
    }

    fn new(name: &'static str, key: &'static str, tagged: &Value, untagged: Value) -> Self {
        let json = tagged.to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::since_epoch(now);
        let session = Session::from_json(json.clone(), Limits::default()).expect("it is JSON");
        let cookie = CookieSessions::new(&KeyRing::new(SECRET_KEY)).sign(&session, now);
        let cookie = cookie.ok().flatten().expect("there is a key");
        let Value::Object(untagged) = untagged else { panic!("a session is an object") };
        Self { name, json, untagged, key, cookie, now }
    }

    /// Returns the value of the small key.
    pub fn expected(&self) -> Option<u64> {
        self.untagged.get(self.key)?.as_u64()
    }

    /// Reports whether Flask compresses it.
    pub fn is_compressed(&self) -> bool {
        self.cookie.starts_with('.')
    }

    /// Reports whether there is anything to time for an operation.
    pub fn has(&self, operation: Operation) -> bool {
        operation != Operation::OpenCart || self.untagged.contains_key("cart")
    }
}

/// Returns `cookie` with its first letter changed, as somebody would who tampers with the value.
pub fn forge(cookie: &str) -> String {
    let at = cookie.find(|char: char| char.is_ascii_alphabetic()).unwrap_or(0);
    let other = if cookie[at..].starts_with('A') { "B" } else { "A" };
    [&cookie[..at], other, &cookie[at + 1..]].concat()
}

fn items() -> Vec<Item> {
    const NAMES: [&str; 7] =
        ["Earl Grey", "Assam", "Darjeeling", "Oolong", "Sencha", "Mint", "Rooibos"];
    let item = |at: u64| {
        let name = NAMES[at as usize % NAMES.len()];
        let grams = 50 + 25 * (at % 5);
        Item {
            id: 1000 + at * 37 % 97,
            name: format!("{name} tea, loose leaf, {grams} g"),
            price: 2.5 + (at * 7 % 40) as f64 / 4.0,
            quantity: 1 + (at % 3) as u32,
            sku: format!("TEA-{:04}", at * 7919 % 9973),
        }
    };
    (0..30).map(item).collect()
}
