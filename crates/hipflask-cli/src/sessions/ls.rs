//! `hipflask sessions ls`: one line a session, as they come.

use std::io::{self, Write};

use hipflask_core::UnixTime;

use super::{
    access::Access,
    args::LsArgs,
    filter::Filter,
    found::Sessions,
    info::{Info, length, printable},
};
use crate::output::{Failure, Status};

/// Lists the sessions of a store.
pub(super) async fn run(args: &LsArgs) -> Result<Status, Failure> {
    let (access, store) = Access::to_store(&args.store).await?;
    let filter = Filter {
        user: args.user.clone(),
        older_than: args.older_than,
        larger_than: args.larger_than,
    };
    let mut sessions = Sessions::new(&access, &store);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut head = if args.format.json { "" } else { HEAD };
    while let Some(part) = sessions.next(|_| true).await? {
        // Not before it is known that there is something to list.
        out.write_all(head.as_bytes()).map_err(Failure::Write)?;
        head = "";
        for (_, info) in part.sessions.iter().filter(|(_, info)| filter.has(info, part.now)) {
            let written = if args.format.json {
                writeln!(out, "{}", info.to_json())
            } else {
                writeln!(out, "{}", line(info, part.now))
            };
            written.map_err(Failure::Write)?;
        }
        out.flush().map_err(Failure::Write)?;
    }
    Ok(Status::Done)
}

const HEAD: &str =
    "id                        created   seen      ends in     bytes  format      user\n";

fn line(info: &Info, now: UnixTime) -> String {
    let unknown = || "-".to_owned();
    let ago = |time: Option<UnixTime>| {
        time.map_or_else(unknown, |time| length(now.since(time).as_secs()) + " ago")
    };
    let left = info.expires.map_or_else(unknown, |time| length(time.since(now).as_secs()));
    let user = info.user.as_deref().map_or_else(unknown, printable);
    format!(
        "{}  {:<8}  {:<8}  {left:<7}  {:>8}  {:<10}  {user}",
        info.id,
        ago(info.created),
        ago(info.seen),
        info.bytes,
        info.format,
    )
}
