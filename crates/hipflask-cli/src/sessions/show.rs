//! `hipflask sessions show`: what single sessions hold, without the values unless they are asked for.

use std::{collections::BTreeSet, fmt::Write};

use hipflask_core::{UnixTime, serializer, value};
use serde_json::{Value, json};

use super::{
    access::Access,
    args::ShowArgs,
    found::Sessions,
    info::{Info, length, printable},
    redact::redact,
};
use crate::output::{Failure, Status, print_line, say};

/// Shows sessions by their ids.
pub(super) async fn run(args: &ShowArgs) -> Result<Status, Failure> {
    let (access, store) = Access::to_store(&args.store).await?;
    let mut wanted: BTreeSet<&str> = args.id.iter().map(String::as_str).collect();
    let mut sessions = Sessions::new(&access, &store);
    while !wanted.is_empty() {
        let part = sessions.next(|info| wanted.remove(&*info.id)).await?;
        let Some(part) = part else { break };
        for (_, info) in &part.sessions {
            let shown = content(info, args.values);
            let text = if args.format.json {
                let mut object = info.to_json();
                object["content"] = shown;
                object.to_string()
            } else {
                text(info, &shown, part.now)
            };
            print_line(text.trim_end().as_bytes())?;
        }
    }
    if !wanted.is_empty() {
        say(format_args!(
            "{} of the ids are of no session: see `hipflask sessions ls`",
            wanted.len()
        ));
    }
    Ok(Status::refused_if(!wanted.is_empty()))
}

/// Returns what may be shown of a session's content.
pub(super) fn content(info: &Info, with_values: bool) -> Value {
    let content = match &info.content {
        Ok(content) => content,
        Err(fault) => return json!({ "fault": fault.to_string() }),
    };
    if !with_values {
        let kinds =
            content.iter().map(|(key, value)| (key.to_string_lossy(), json!(redact(value))));
        return Value::Object(kinds.collect());
    }
    let values = content.iter().map(|(key, value)| (key.to_string_lossy(), tagged(value)));
    Value::Object(values.collect())
}

/// Returns a value as Flask's tagged JSON; what JSON cannot hold is told by its kind.
fn tagged(value: &value::Value) -> Value {
    let json = serializer::to_json(value).ok();
    json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_else(|| json!(redact(value)))
}

fn text(info: &Info, content: &Value, now: UnixTime) -> String {
    let unknown = || "unknown".to_owned();
    let ago = |time: Option<UnixTime>| {
        time.map_or_else(unknown, |time| length(now.since(time).as_secs()) + " ago")
    };
    let left = info
        .expires
        .map_or_else(unknown, |time| format!("in {}", length(time.since(now).as_secs())));
    let mut text = format!(
        "id       {}\nuser     {}\ncreated  {}\nseen     {}\nends     {left}\nbytes    {}\nformat   {}{}\n",
        info.id,
        info.user.as_deref().map_or_else(|| "none".to_owned(), printable),
        ago(info.created),
        ago(info.seen),
        info.bytes,
        info.format,
        if info.is_encrypted { ", encrypted" } else { "" },
    );
    for (key, value) in content.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), printable);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {value}", printable(key));
    }
    text
}
