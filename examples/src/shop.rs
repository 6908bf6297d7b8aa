//! What the shop sells, and its sums in whole dollars.

use hipflask::Session;
use serde::Serialize;

const LARGEST: i64 = 999_999_999;

/// What the shop sells.
///
/// ```
/// assert_eq!(hipflask_examples::shop::ITEMS[0].slug, "tea");
/// ```
pub static ITEMS: [Item; 3] = [
    Item { slug: "tea", name: "Tea", price: 4 },
    Item { slug: "cup", name: "Cup", price: 9 },
    Item { slug: "teapot", name: "Teapot", price: 25 },
];

/// Something to buy: [`ITEMS`] has all.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// What the form calls it.
    pub slug: &'static str,
    name: &'static str,
    /// In dollars.
    pub price: i64,
}

/// What there is to pay.
///
/// ```
/// use hipflask_examples::shop::Summary;
///
/// let summary = Summary::new(|name| if name == "total" { 13 } else { 10 });
/// assert!(format!("{summary:?}").contains("to_pay: 3"));
/// ```
#[derive(Debug, Serialize)]
pub struct Summary {
    total: i64,
    credit: i64,
    to_pay: i64,
}

impl Summary {
    /// Makes it of the numbers `total` and `credit`.
    pub fn new(read: impl Fn(&str) -> i64) -> Self {
        let (total, credit) = (read("total"), read("credit"));
        Self { total, credit, to_pay: (total - credit).max(0) }
    }
}

/// Adds to a number, which stops at 999,999,999.
///
/// ```
/// assert_eq!(hipflask_examples::shop::add(999_999_990, 10), 999_999_999);
/// ```
pub fn add(number: i64, amount: i64) -> i64 {
    LARGEST.min(number + amount)
}

/// Reads a plain cookie: up to nine digits. Anything else, which only an edited cookie can hold,
/// counts as nothing.
///
/// ```
/// use hipflask_examples::shop::from_cookie;
///
/// assert_eq!((from_cookie(Some("12".into())), from_cookie(Some("-1".into()))), (12, 0));
/// ```
pub fn from_cookie(text: Option<String>) -> i64 {
    text.filter(|text| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Reads a number of the session. What another app may have set counts as nothing.
///
/// ```
/// use hipflask_examples::shop::{Summary, from_session};
///
/// fn signed(session: &hipflask::Session) -> Summary {
///     Summary::new(|name| from_session(session, name))
/// }
/// # let _ = signed;
/// ```
pub fn from_session(session: &Session, name: &str) -> i64 {
    let number = session.value(name).and_then(|value| value.as_i64());
    number.filter(|number| (0..=LARGEST).contains(number)).unwrap_or(0)
}
