//! `hipflask sessions stats`: what there is in a store, in numbers.

use super::{
    access::{Access, now},
    args::StatsArgs,
    found::Sessions,
    progress::Progress,
    tally::Tally,
};
use crate::output::{Failure, Status, print_line};

/// Counts all sessions.
pub(super) async fn run(args: &StatsArgs) -> Result<Status, Failure> {
    let (access, store) = Access::to_store(&args.store).await?;
    let mut sessions = Sessions::new(&access, &store);
    let (mut tally, progress) = (Tally::new(), Progress::new("counted"));
    while let Some(part) = sessions.next_bare(|_| true).await? {
        tally.add_renewed(part.n_renewed);
        for (_, info) in part.sessions {
            tally.add(info, part.now);
        }
        progress.at(tally.n());
    }
    drop(progress);
    let report = if args.format.json { tally.to_json().to_string() } else { tally.to_text(now()) };
    print_line(report.trim_end().as_bytes())?;
    Ok(Status::Done)
}
