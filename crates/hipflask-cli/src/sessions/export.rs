//! `hipflask sessions export`: all that the sessions of one user hold, as one JSON document.

use std::io::{self, Write};

use serde_json::json;

use super::{access::Access, args::ExportArgs, found::Sessions, show::content};
use crate::output::{Failure, Status};

/// Writes the document, session by session as they are found.
pub(super) async fn run(args: &ExportArgs) -> Result<Status, Failure> {
    let (access, store) = Access::to_store(&args.store).await?;
    let mut sessions = Sessions::new(&access, &store);
    let mut out = io::stdout().lock();
    let mut write = |text: &str| out.write_all(text.as_bytes()).map_err(Failure::Write);
    let mut n_found = 0;
    while let Some(part) = sessions.next(|info| info.user.as_deref() == Some(&*args.user)).await? {
        for (_, info) in &part.sessions {
            if n_found == 0 {
                write(&format!("{{\"user\":{},\"sessions\":[\n", json!(args.user)))?;
            } else {
                write(",\n")?;
            }
            n_found += 1;
            let mut object = info.to_json();
            object["content"] = content(info, true);
            write(&object.to_string())?;
        }
    }
    if n_found == 0 {
        write(&format!("{{\"user\":{},\"sessions\":[", json!(args.user)))?;
    }
    write("\n]}\n")?;
    out.flush().map_err(Failure::Write)?;
    Ok(Status::Done)
}
