//! `hipflask check`: all faults of one configuration or several, then what differs between them.
//!
//! Shows settings as far as they are no secret: of a key its fingerprint, of an address no login.

use std::fmt::Write;

use hipflask::config::{SessionConfig, settings};
use serde_json::json;

use crate::{
    cli::CheckArgs,
    node::Node,
    output::{Failure, Status, print_line},
};

/// Looks at all nodes.
pub(crate) fn run(args: &CheckArgs) -> Result<Status, Failure> {
    let mut nodes = Vec::new();
    if args.environment || args.file.is_empty() {
        nodes.push(Node::of_environment(&args.prefix.prefix));
    }
    for path in &args.file {
        nodes.push(Node::of_file(path, &args.prefix.prefix)?);
    }
    let differences = differences(&nodes);
    let is_ok = nodes.iter().all(|node| node.faults().next().is_none() && !node.has_random_key)
        && differences.iter().all(|it| it.is_harmless);
    let report = if args.format.json {
        json(&nodes, &differences, is_ok).to_string()
    } else {
        text(&nodes, &differences)
    };
    print_line(report.trim_end().as_bytes())?;
    Ok(Status::refused_if(!is_ok))
}

/// A setting that is not the same on all nodes.
struct Difference {
    setting: &'static str,
    /// What each node has, in their order.
    values: Vec<String>,
    /// What comes of it, and what to do.
    means: &'static str,
    /// So it is for a time while keys are changed.
    is_harmless: bool,
}

const NO_KEY_IN_COMMON: &str = "a node refuses the cookies that another one signs, so that users are \
    logged out when they change nodes: give all nodes the same SECRET_KEY, or list the others' in \
    SECRET_KEY_FALLBACKS";
const KEYS_CHANGE: &str = "each node accepts what the others sign, as while keys are changed: in the end \
    give all nodes the same keys in the same order";

/// Compares the nodes, setting by setting.
fn differences(nodes: &[Node]) -> Vec<Difference> {
    let mut found: Vec<_> = keys(nodes).into_iter().collect();
    for setting in settings() {
        let name = setting.name();
        let Some(means) = meaning(name) else { continue };
        // The table has defaults as Markdown.
        let default = match setting.default() {
            "" => "not set",
            default => default.trim_matches('`'),
        };
        let value = |node: &Node| node.shown(name).unwrap_or_else(|| default.to_owned());
        let values: Vec<_> = nodes.iter().map(value).collect();
        if values.iter().any(|value| *value != values[0]) {
            found.push(Difference { setting: name, values, means, is_harmless: false });
        }
    }
    found
}

/// Compares the keys of all nodes that have some.
fn keys(nodes: &[Node]) -> Option<Difference> {
    let rings: Vec<_> = nodes.iter().map(|it| it.examined.config().map(fingerprints)).collect();
    let known = || rings.iter().flatten();
    let first = known().next()?;
    if known().all(|ring| ring == first) {
        return None;
    }
    let is_accepted = |ring: &Vec<String>| known().all(|other| other.contains(&ring[0]));
    let is_harmless = known().all(is_accepted);
    let values = rings.iter().map(|ring| ring.as_ref().map_or("none".into(), |it| it.join(" ")));
    Some(Difference {
        setting: "SECRET_KEY",
        values: values.collect(),
        means: if is_harmless { KEYS_CHANGE } else { NO_KEY_IN_COMMON },
        is_harmless,
    })
}

fn fingerprints(config: &SessionConfig) -> Vec<String> {
    config.secret_key().fingerprints()
}

/// Says what comes of a difference; `None` where it is none of the session's or compared elsewhere.
fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "SECRET_KEY" | "SECRET_KEY_FALLBACKS" | "SECRET_KEY_FILE" => return None,
        "SESSION_COOKIE_NAME" => {
            "each node looks for another cookie and does not see the session of the others: give it one name"
        }
        "SESSION_COOKIE_DOMAIN" | "SESSION_COOKIE_PATH" | "APPLICATION_ROOT" => {
            "browsers keep a cookie for each and send both, so that an old one can hide the new one: \
             give all nodes the same, and delete the other cookie once"
        }
        "SESSION_COOKIE_SECURE" | "SESSION_COOKIE_HTTPONLY" | "SESSION_COOKIE_SAMESITE" => {
            "the cookie is guarded as the node that wrote it last does: give all nodes the stricter one"
        }
        "SESSION_COOKIE_PARTITIONED" => {
            "browsers keep a partitioned cookie beside the other one, and neither deletes the other"
        }
        "PERMANENT_SESSION_LIFETIME" => {
            "a session ends when it is used on the node with the shorter lifetime"
        }
        "SESSION_DIGEST" | "SESSION_DIGEST_FALLBACKS" => {
            "a node refuses what another one signs: first list the new digest in \
             SESSION_DIGEST_FALLBACKS on all nodes"
        }
        "SESSION_ENCRYPTION" | "SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL" => {
            "a node cannot read what another one writes: stock Flask reads no encrypted session at all"
        }
        "SESSION_TYPE"
        | "SESSION_STORE"
        | "SESSION_REDIS"
        | "SESSION_MONGODB"
        | "SESSION_MEMCACHED"
        | "SESSION_DYNAMODB"
        | "SESSION_DYNAMODB_TABLE"
        | "SESSION_CACHELIB"
        | "SESSION_FILE_DIR"
        | "SESSION_SQLALCHEMY"
        | "SESSION_SQLALCHEMY_TABLE"
        | "SESSION_SQLALCHEMY_SCHEMA"
        | "SESSION_SQLALCHEMY_BIND_KEY"
        | "SESSION_MONGODB_DB"
        | "SESSION_MONGODB_COLLECT" => {
            "a session that one node stores is unknown to the other: name the same store everywhere"
        }
        "SESSION_KEY_PREFIX" => {
            "a session that one node stores is unknown to the other: give all nodes the same prefix"
        }
        "SESSION_USE_SIGNER" => {
            "a node takes the other's signed id for an unknown one: sign ids everywhere or nowhere"
        }
        "SESSION_SERIALIZATION_FORMAT" => {
            "a node of Flask-Session cannot read the other's records: give all nodes the same format"
        }
        "SESSION_REVOCATIONS" => "a session that is ended on one node lives on at the other",
        "SESSION_ID_STORAGE" => "a session that one node stores is unknown to the other",
        "WTF_CSRF_SECRET_KEY" | "WTF_CSRF_FIELD_NAME" => {
            "a form that one node shows is refused by the other"
        }
        _ => "the nodes behave differently",
    })
}

fn text(nodes: &[Node], differences: &[Difference]) -> String {
    let mut text = String::new();
    for node in nodes {
        let mut faults = node.faults().peekable();
        let has_fault = faults.peek().is_some();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", node.name);
        for fault in faults {
            let _ = writeln!(text, "  fault: {fault}");
        }
        for note in &node.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        if !has_fault && node.notes.is_empty() {
            text.push_str("  no fault\n");
        }
    }
    for difference in differences {
        let _ = writeln!(text, "\n{} differs: {}", difference.setting, difference.means);
        for (node, value) in nodes.iter().zip(&difference.values) {
            let _ = writeln!(text, "  {}: {value}", node.name);
        }
    }
    if nodes.len() > 1 && differences.is_empty() {
        text.push_str("\nNothing differs between the nodes.\n");
    }
    text
}

fn json(nodes: &[Node], differences: &[Difference], is_ok: bool) -> serde_json::Value {
    let of_node = |node: &Node| {
        let faults = node.faults().map(ToString::to_string);
        json!({
            "name": node.name,
            "keys": node.examined.config().map(fingerprints).unwrap_or_default(),
            "faults": faults.collect::<Vec<_>>(),
            "notes": node.notes,
        })
    };
    let of_difference = |it: &Difference| {
        json!({
            "setting": it.setting,
            "values": it.values,
            "means": it.means,
            "harmless": it.is_harmless,
        })
    };
    json!({
        "ok": is_ok,
        "nodes": nodes.iter().map(of_node).collect::<Vec<_>>(),
        "differences": differences.iter().map(of_difference).collect::<Vec<_>>(),
    })
}
