//! `hipflask doctor`: says why a session is not there, from whatever one has of it.
//!
//! `given`, `har` and `fetch` read what was given; `value`, `exchange`, `record` and `guess` find causes in
//! it; `cause` has the closed list of them. Only this file, `fetch` and `record` do I/O.

mod cause;
mod exchange;
#[cfg(feature = "url")]
mod fetch;
mod given;
mod guess;
mod har;
mod place;
mod record;
mod set_cookie;
mod shape;
mod value;

use std::{fmt::Write, fs::File, io::Read, path::Path};

use hipflask::store::StoreKind;
use hipflask_core::{UnixTime, stored::StoredSessions, value::Value};
use serde_json::json;

use self::{
    cause::{Cause, Kind},
    exchange::Exchange,
};
use crate::{
    cli::DoctorArgs,
    key,
    node::Node,
    output::{Failure, Status, print, print_line},
    runtime,
};

/// The largest HAR file that is read.
const MAX_HAR: u64 = 1 << 28;

/// What is known before anything is looked at.
pub(crate) struct Case {
    /// The name of the session's cookie.
    name: String,
    nodes: Vec<Node>,
    /// The address of the store of sessions.
    store: Option<String>,
    now: UnixTime,
    shows_values: bool,
}

/// What was found.
#[derive(Default)]
struct Report {
    causes: Vec<Cause>,
    notes: Vec<String>,
}

/// Looks at everything that was given.
pub(crate) fn run(args: &DoctorArgs, env: impl key::Env) -> Result<Status, Failure> {
    if args.causes {
        let lines = Kind::ALL.iter().map(|kind| format!("{}: {}\n", kind.code(), kind.text()));
        return print(lines.collect::<String>().as_bytes()).map(|()| Status::Done);
    }
    let mut case = case(args, env)?;
    let mut report = Report::default();
    for node in &case.nodes {
        for fault in node.faults() {
            let is_key = matches!(
                fault,
                hipflask::ConfigError::WeakKey(_) | hipflask::ConfigError::WeakFallback { .. }
            );
            if !is_key {
                report
                    .causes
                    .push(Cause::new(Kind::Configuration, format!("{}: {fault}", node.name)));
            }
        }
        if node.has_random_key {
            report.causes.push(Cause::new(Kind::RandomKey, node.name.as_str()));
        }
        report.notes.extend(node.notes.iter().map(|note| format!("{}: {note}", node.name)));
    }
    report.causes.extend(guess::look(&case));

    let text = given_text(args)?;
    let given = text.as_deref().map(|text| given::read(text, &case.name)).unwrap_or_default();
    let mut exchanges = vec![given.exchange];
    if let Some(path) = &args.har {
        exchanges.extend(har_of(path)?);
    }
    if let Some(url) = &args.url {
        let value = given.values.first().cloned();
        let value = value.or_else(|| exchanges.iter().flat_map(|it| it.values(&case.name)).next());
        exchanges.extend(fetched(url, value.as_ref(), args, &case)?);
        // What was signed meanwhile is not of the future.
        case.now = args.clock.now();
    }
    let mut values = given.values;
    for exchange in &exchanges {
        values.extend(exchange.values(&case.name));
        let set = exchange.sets(&case.name).into_iter().filter(|cookie| !cookie.is_deletion);
        values.extend(set.map(|cookie| cookie.value));
    }
    values.dedup();
    report.causes.extend(exchange::look(&exchanges, &case.name));
    if values.is_empty() && (args.har.is_some() || args.url.is_some()) {
        report.causes.push(Cause::new(Kind::NoCookie, format!("looked for {}", case.name)));
    }
    let mut ids = Vec::new();
    for value in &values {
        let looked = value::look(value, &case);
        report.causes.extend(looked.causes);
        report.notes.extend(looked.notes);
        if looked.is_id {
            ids.push(value.as_str());
        }
    }
    if let Some(address) = &case.store {
        let found = stored(address, &ids, &case)?;
        report.causes.extend(found.causes);
        report.notes.extend(found.notes);
    }
    let has_causes = !report.causes.is_empty();
    print_report(report, args.format.json)?;
    Ok(Status::refused_if(has_causes))
}

fn case(args: &DoctorArgs, env: impl key::Env) -> Result<Case, Failure> {
    let mut nodes = Vec::new();
    for path in &args.config {
        nodes.push(Node::of_file(path, &args.prefix.prefix)?);
    }
    let has_keys = !args.keys.secret_key.is_empty() || !args.keys.secret_key_file.is_empty();
    if has_keys {
        let found = key::find(&args.keys, &env)?;
        let bytes = |key: &hipflask_core::signing::Key| Value::Bytes(key.as_bytes().to_vec());
        let fallbacks = found.fallbacks.iter().map(bytes).collect();
        let current = found.current.as_ref().map(bytes).unwrap_or(Value::Null);
        let values = [("SECRET_KEY", current), ("SECRET_KEY_FALLBACKS", Value::List(fallbacks))];
        nodes.push(Node::of_values("command line", values));
    } else if nodes.is_empty() && env(&format!("{}_SECRET_KEY", args.prefix.prefix)).is_some() {
        nodes.push(Node::of_environment(&args.prefix.prefix));
    }
    let configured = nodes.iter().filter_map(|node| node.examined.config());
    let configured = configured.map(|config| config.cookie_name().to_owned()).next();
    let name = args.cookie_name.clone().or(configured).unwrap_or_else(|| "session".into());
    let store = nodes.iter().find_map(|node| node.store().map(str::to_owned));
    Ok(Case {
        name,
        store: args.store.clone().or(store),
        nodes,
        now: args.clock.now(),
        shows_values: args.show_values,
    })
}

/// Returns the cookie, or what stands on standard input.
fn given_text(args: &DoctorArgs) -> Result<Option<String>, Failure> {
    let Some(cookie) = &args.cookie else { return Ok(None) };
    // No id is that short, so it is an option with a mistake in it.
    if cookie.as_encoded_bytes().starts_with(b"--") && cookie.len() < 20 {
        let text = "expected a cookie, found an unknown option: see `hipflask doctor --help`";
        return Err(Failure::Configuration(text.into()));
    }
    if cookie != "-" {
        return Ok(Some(cookie.to_string_lossy().into_owned()));
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_HAR).read_to_end(&mut bytes).map_err(Failure::Read)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn har_of(path: &Path) -> Result<Vec<Exchange>, Failure> {
    let name = path.display();
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_HAR).read_to_string(&mut text));
    read.map_err(|error| Failure::Configuration(format!("cannot read {name}: {error}")))?;
    har::read(&text).ok_or_else(|| {
        Failure::Configuration(format!(
            "{name} is no HAR: expected what the network page of a browser saves, cookies included"
        ))
    })
}

#[cfg(feature = "url")]
fn fetched(
    url: &str,
    value: Option<&String>,
    args: &DoctorArgs,
    case: &Case,
) -> Result<Vec<Exchange>, Failure> {
    let cookie = value.map(|value| format!("{}={value}", case.name));
    fetch::fetch(url, cookie.as_deref(), args.ca_file.as_deref())
}

#[cfg(not(feature = "url"))]
fn fetched(
    _: &str,
    _: Option<&String>,
    _: &DoctorArgs,
    _: &Case,
) -> Result<Vec<Exchange>, Failure> {
    Err(Failure::Configuration("hipflask was built without the cargo feature `url`".into()))
}

/// Looks into the store, which is to be reached even where there is no id.
fn stored(address: &str, ids: &[&str], case: &Case) -> Result<record::Found, Failure> {
    runtime::block_on(async {
        let mut found = record::Found::default();
        let shown = StoreKind::shown(address).unwrap_or_default();
        let store = match hipflask::store::connect(address).await {
            Ok(store) => store,
            Err(hipflask::store::ConnectError::Refused(error)) => {
                found.causes.push(Cause::new(Kind::StoreUnreachable, format!("{shown}: {error}")));
                return Ok(found);
            }
            Err(error) => return Err(Failure::Configuration(error.to_string())),
        };
        let rules =
            case.nodes.iter().find_map(|node| node.config_for_reading()?.build_stored().ok());
        let rules =
            rules.unwrap_or_else(|| StoredSessions::new(Default::default())).for_store(&store);
        for id in ids {
            let looked = record::look(id, &store, &rules, case.now, case.shows_values).await;
            found.causes.extend(looked.causes);
            found.notes.extend(looked.notes);
        }
        if ids.is_empty() {
            found.notes.push(format!("the store answers: {shown}"));
        }
        Ok(found)
    })
}

fn print_report(report: Report, is_json: bool) -> Result<(), Failure> {
    let causes = cause::sorted(report.causes);
    let mut notes = report.notes;
    notes.dedup();
    if is_json {
        let causes: Vec<_> = causes
            .iter()
            .map(
                |it| json!({"code": it.kind.code(), "text": it.text(), "remedy": it.kind.remedy()}),
            )
            .collect();
        return print_line(json!({"causes": causes, "notes": notes}).to_string().as_bytes());
    }
    let mut text = String::new();
    for (cause, number) in causes.iter().zip(1..) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{number}. {}: {}", cause.kind.code(), cause.text());
        let _ = writeln!(text, "   What to do: {}", cause.kind.remedy());
    }
    if causes.is_empty() {
        text.push_str("No cause was found in what was given.\n");
    }
    for note in notes {
        let _ = writeln!(text, "Note: {note}");
    }
    print_line(text.trim_end().as_bytes())
}
