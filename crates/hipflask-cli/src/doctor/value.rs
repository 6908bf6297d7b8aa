//! A session cookie's value: opens it with the keys of all nodes, and finds out why it does not open.
//!
//! Pure: values, keys and a moment in, causes and words out.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    http_date::http_date,
    interface::{CookieSessions, Opened, Signing},
    reason::Reason,
    session::Session,
    signing::{Digest, KeyDerivation, KeyRing},
    value::{Dict, Text, Value},
};

use super::{
    Case,
    cause::{Cause, Kind},
    shape::{self, Shape},
};
use crate::node::Node;

/// Where itsdangerous counted from before version 1.1: the first day of 2011.
const OLD_EPOCH: u64 = 1_293_840_000;

/// Salts that the field uses, Flask's first.
const SALTS: [&str; 9] = [
    "cookie-session",
    "itsdangerous.Signer",
    "itsdangerous",
    "flask-session",
    "session",
    "starlette.sessions",
    "remember-salt",
    "email-confirm",
    "wtf-csrf-token",
];

/// What was learnt of a value besides causes.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) causes: Vec<Cause>,
    pub(super) notes: Vec<String>,
    /// The id of a stored session, if it is one.
    pub(super) is_id: bool,
}

/// Looks at one value.
pub(super) fn look(value: &str, case: &Case) -> Looked {
    let mut looked = Looked::default();
    let bare = match value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(bare) => {
            looked.causes.push(Cause::new(Kind::CookieQuoted, ""));
            bare
        }
        None => value,
    };
    let shape = shape::of(bare);
    match shape {
        Shape::Id | Shape::SignedId => {
            looked.is_id = true;
            look_at_id(shape, case, &mut looked.causes);
            return looked;
        }
        Shape::Django => looked.causes.push(Cause::new(Kind::Django, "")),
        Shape::Other(program) => looked.causes.push(Cause::new(Kind::OtherProgram, program)),
        Shape::Cut => {
            looked.causes.push(Cause::new(Kind::CookieCut, format!("{} bytes", bare.len())))
        }
        Shape::Padded => looked.causes.push(Cause::new(Kind::CookiePadded, "")),
        Shape::Unknown => {
            looked.causes.push(Cause::new(Kind::OtherProgram, "of a form that is not known"))
        }
        Shape::Encrypted | Shape::Flask | Shape::Starlette => {}
    }
    let is_foreign = matches!(shape, Shape::Django | Shape::Other(_) | Shape::Unknown | Shape::Cut);
    if case.nodes.iter().any(|node| node.examined.config().is_some_and(|it| it.wants_store()))
        && matches!(shape, Shape::Flask)
    {
        looked.causes.push(Cause::new(Kind::CookieWithStore, ""));
    }
    if !is_foreign {
        look_with_keys(bare, shape, case, &mut looked);
    }
    let size = case.name.len() + bare.len();
    if size > CookieSessions::MAX_COOKIE_SIZE {
        let largest = largest_keys(bare, case);
        looked.causes.push(Cause::new(Kind::CookieTooLarge, format!("{size} bytes{largest}")));
    }
    looked
}

fn look_at_id(shape: Shape, case: &Case, causes: &mut Vec<Cause>) {
    let configs = || case.nodes.iter().filter_map(|node| node.examined.config());
    if configs().any(|it| it.signs_ids() != (shape == Shape::SignedId)) {
        let sides =
            if shape == Shape::SignedId { "the id has a signature" } else { "the id has none" };
        causes.push(Cause::new(Kind::SignedIds, sides));
    }
    let has_store = |node: &Node| {
        node.store().is_some() || node.examined.config().is_some_and(|it| it.wants_store())
    };
    let without: Vec<_> = case.nodes.iter().filter(|node| !has_store(node)).collect();
    if case.store.is_none() && !without.is_empty() {
        causes.push(Cause::new(Kind::IdWithoutStore, names(&without)));
    }
}

fn look_with_keys(value: &str, shape: Shape, case: &Case, looked: &mut Looked) {
    let opened: Vec<_> =
        case.nodes.iter().filter_map(|node| Some((node, open(node, value, case.now)?))).collect();
    if opened.is_empty() {
        let randoms = case.nodes.iter().any(|node| node.has_random_key);
        if shape == Shape::Starlette {
            looked.causes.push(Cause::new(Kind::Starlette, "by its form"));
        } else if !randoms {
            looked.notes.push(
                "no key was given, so nothing is known of the signature: give --config, \
                 --secret-key-file, or FLASK_SECRET_KEY"
                    .into(),
            );
        }
        return;
    }
    let is_refused = |opened: &Opened| opened.reason == Reason::BadSignature;
    let (refusing, accepting): (Vec<_>, Vec<_>) =
        opened.iter().partition(|(_, opened)| is_refused(opened));
    if let Some((_, opened)) = accepting.first() {
        if !refusing.is_empty() {
            let refusing: Vec<_> = refusing.iter().map(|(node, _)| *node).collect();
            looked
                .causes
                .push(Cause::new(Kind::NodesDiffer, format!("refused by {}", names(&refusing))));
        }
        look_at_opened(opened, case, looked);
        return;
    }
    if let Some(cause) = try_other_ways(value, shape, case) {
        looked.causes.push(cause);
    } else if shape == Shape::Starlette {
        looked
            .causes
            .push(Cause::new(Kind::Starlette, "by its form; no key that was given signed it"));
    } else if shape != Shape::Padded {
        looked.causes.push(Cause::new(Kind::WrongKey, fingerprints(case)));
    }
}

fn look_at_opened(opened: &Opened, case: &Case, looked: &mut Looked) {
    let facts = opened.cookie.unwrap_or_default();
    let now = case.now.as_secs();
    // What is refused for its time has an age alone.
    let by_age = facts.age.and_then(|age| now.checked_add_signed(age.checked_neg()?));
    let signed_at = facts.signed_at.or(by_age).unwrap_or_default();
    let causes = &mut looked.causes;
    match opened.reason {
        Reason::Verified => {}
        Reason::VerifiedByFallbackKey => {
            causes.push(Cause::new(
                Kind::RetiredKey,
                format!("key {}", facts.key.unwrap_or_default()),
            ));
        }
        Reason::Expired if signed_at < OLD_EPOCH && signed_at + OLD_EPOCH <= now + 86_400 => {
            causes.push(Cause::new(
                Kind::OldEpoch,
                format!("signed {}", date(signed_at + OLD_EPOCH)),
            ));
        }
        Reason::Expired => {
            let age = duration(now.saturating_sub(signed_at));
            causes
                .push(Cause::new(Kind::Expired, format!("signed {}, {age} ago", date(signed_at))));
        }
        Reason::NotYetValid => {
            let ahead = duration(signed_at.saturating_sub(now));
            causes.push(Cause::new(Kind::ClockSkew, format!("{ahead} ahead of this machine")));
        }
        Reason::BadPayload | Reason::BadTimestamp => {
            causes.push(Cause::new(Kind::OtherProgram, "with the same key and salt"));
        }
        reason => causes.push(Cause::new(Kind::OtherProgram, reason.code())),
    }
    if opened.reason.is_verified() {
        let names = key_names(&opened.session.to_dict());
        looked
            .notes
            .push(format!("the cookie opens; it was signed {} and holds {names}", date(signed_at)));
        if case.shows_values
            && let Ok(json) = opened.session.to_json()
        {
            looked.notes.push(String::from_utf8_lossy(&json).into_owned());
        }
    }
}

/// Names the keys of a session, which are no secret, and not what they hold.
pub(super) fn key_names(content: &Dict) -> String {
    let mut names: Vec<_> = content.iter().map(|(name, _)| shown(name)).collect();
    names.sort_unstable();
    match names.len() {
        0 => "no keys".into(),
        1 => format!("the key {}", names[0]),
        _ => format!("the keys {}", names.join(", ")),
    }
}

fn shown(name: &Text) -> &str {
    name.as_str().unwrap_or("(not Unicode)")
}

/// Opens a value with a node's keys and settings, whatever is wrong with them otherwise.
fn open(node: &Node, value: &str, now: UnixTime) -> Option<Opened> {
    let config = node.config_for_reading()?;
    let cookies = config.build().unwrap_or_else(|_| {
        let lifetime = config.lifetime().max(Duration::from_secs(1));
        CookieSessions::new(config.secret_key().ring()).with_lifetime(lifetime)
    });
    Some(cookies.open(Some(value.as_bytes()), now))
}

/// Tries each known key with each salt, digest and derivation that the field uses.
fn try_other_ways(value: &str, shape: Shape, case: &Case) -> Option<Cause> {
    for node in &case.nodes {
        let Some(config) = node.examined.config() else { continue };
        let ring = config.secret_key().ring();
        for salt in SALTS {
            for digest in Digest::ALL {
                for derivation in KeyDerivation::ALL {
                    let signing = Signing::default()
                        .with_salt(salt)
                        .with_digest(digest)
                        .with_key_derivation(derivation);
                    if signs(ring, &signing, value, case.now) {
                        let is_starlette = salt == SALTS[1] || shape == Shape::Starlette;
                        let kind = if is_starlette { Kind::Starlette } else { Kind::OtherSigning };
                        let words =
                            format!("salt {salt}, digest {digest}, key derivation {derivation}");
                        return Some(Cause::new(kind, words));
                    }
                }
            }
        }
    }
    None
}

fn signs(ring: &KeyRing, signing: &Signing, value: &str, now: UnixTime) -> bool {
    let opened = CookieSessions::signed_with(ring, signing).open(Some(value.as_bytes()), now);
    !matches!(opened.reason, Reason::BadSignature | Reason::Malformed)
}

/// Names the keys of a session that take most of its bytes, if some node opens it.
fn largest_keys(value: &str, case: &Case) -> String {
    let sessions = case.nodes.iter().filter_map(|node| open(node, value, case.now));
    let Some(opened) = sessions.into_iter().find(|it| it.reason.is_verified()) else {
        return String::new();
    };
    let mut sizes: Vec<_> = opened.session.to_dict().into_iter().collect();
    let size = |(name, value): &(Text, Value)| {
        let alone = Session::from_stored(Dict::from_iter([(name.clone(), value.clone())]));
        alone.to_json().map_or(0, |json| json.len())
    };
    sizes.sort_by_key(|entry| std::cmp::Reverse(size(entry)));
    let largest =
        sizes.iter().take(3).map(|entry| format!("{}: {} bytes", shown(&entry.0), size(entry)));
    format!("; largest keys as JSON: {}", largest.collect::<Vec<_>>().join(", "))
}

fn fingerprints(case: &Case) -> String {
    let configs = case.nodes.iter().filter_map(|node| node.examined.config());
    let keys: Vec<_> = configs.flat_map(|config| config.secret_key().fingerprints()).collect();
    format!("keys tried, by fingerprint: {}", keys.join(" "))
}

fn names(nodes: &[&Node]) -> String {
    nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn date(seconds: u64) -> String {
    i64::try_from(seconds).ok().and_then(http_date).unwrap_or_else(|| format!("at {seconds}"))
}

/// Says a length of time in its largest unit.
fn duration(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..120 => (seconds, "seconds"),
        120..7_200 => (seconds / 60, "minutes"),
        7_200..172_800 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{number} {unit}")
}
