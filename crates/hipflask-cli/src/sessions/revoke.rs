//! `hipflask sessions revoke`: ends sessions: some, those of a user, or all.
//!
//! A record is deleted, and requests under way do not bring it back: what they write must be there.

use std::{
    cell::Cell,
    collections::BTreeSet,
    io::{self, Write},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hipflask::{
    SessionConfig, SessionInterface,
    store::{AnyStore, Deleted, Entry, Store, StoreError},
};

use super::{
    access::Access,
    args::RevokeArgs,
    found::Sessions,
    info::{Info, printable},
    interrupt::until_interrupted,
    migrate::at_once,
    progress::Progress,
    walk::patiently,
};
use crate::output::{Failure, Status, print, say};

/// How often all records are gone through until none is found any more: a request under way may give a
/// session a new id behind the reader's back.
const MOST_WALKS: usize = 8;

/// How sessions were found.
enum Way {
    List,
    Walk,
}

/// Which sessions end.
enum Which<'a> {
    All,
    OfUser(&'a str),
    These(BTreeSet<&'a str>),
}

impl Which<'_> {
    fn has(&self, info: &Info) -> bool {
        match self {
            Self::All => true,
            Self::OfUser(user) => info.user.as_deref() == Some(user),
            Self::These(ids) => ids.contains(&*info.id),
        }
    }

    fn question(&self, place: &str) -> String {
        match self {
            Self::All => format!("End all sessions of all users in {place}?"),
            Self::OfUser(user) => {
                format!("End all sessions of the user {} in {place}?", printable(user))
            }
            Self::These(ids) => format!("End {} sessions in {place}?", ids.len()),
        }
    }
}

/// Asks, and ends sessions.
pub(super) async fn run(args: &RevokeArgs) -> Result<Status, Failure> {
    let which = match &args.user {
        _ if args.all => Which::All,
        Some(user) => Which::OfUser(user),
        None => Which::These(args.id.iter().map(String::as_str).collect()),
    };
    if let Which::OfUser(user) = which
        && let Some((config, place)) = Access::of_revocations(&args.store)?
    {
        return revoke_cookies(&config, user, &place, args.yes).await;
    }
    let (access, store) = Access::to_store(&args.store).await?;
    let place = access.place(&args.store);
    if !args.yes && !is_confirmed(&which.question(&place))? {
        say("nothing was ended");
        return Ok(Status::Refused);
    }
    let n_ended = Cell::new(0);
    let n_at_once = at_once(access.address(args.store.store.as_deref())?);
    let outcome = until_interrupted(end(&access, &store, &which, n_at_once, &n_ended)).await;
    match &outcome {
        Ok(Way::List) => say("all that the user's list of sessions has was ended"),
        _ => say(format_args!("{} sessions were ended", n_ended.get())),
    }
    if let Err(Failure::Interrupted) = &outcome {
        say("others may go on: run it again");
    }
    outcome?;
    let n_missing = match &which {
        Which::These(ids) => (ids.len() as u64).saturating_sub(n_ended.get()),
        _ => 0,
    };
    if n_missing > 0 {
        say(format_args!("{n_missing} of the ids are of no session: see `hipflask sessions ls`"));
    }
    Ok(Status::refused_if(n_missing > 0))
}

/// Has the signed cookies of a user refused that there are.
async fn revoke_cookies(
    config: &SessionConfig,
    user: &str,
    place: &str,
    is_sure: bool,
) -> Result<Status, Failure> {
    let user_shown = printable(user);
    let question = format!("Refuse all signed cookies of the user {user_shown}, by {place}?");
    if !is_sure && !is_confirmed(&question)? {
        say("nothing was revoked");
        return Ok(Status::Refused);
    }
    let interface = SessionInterface::connect(config, "cookie:").await;
    let interface = interface.map_err(|error| Failure::Configuration(error.to_string()))?;
    let revoked = interface.revoke_user(user).await;
    revoked.map_err(|error| Failure::Configuration(error.to_string()))?;
    say(
        "all that was signed for the user so far is refused; each node knows it after SESSION_REVOCATIONS_DELAY",
    );
    Ok(Status::Done)
}

fn is_confirmed(question: &str) -> Result<bool, Failure> {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::Read)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn end(
    access: &Access,
    store: &AnyStore,
    which: &Which<'_>,
    n_at_once: usize,
    n_ended: &Cell<u64>,
) -> Result<Way, Failure> {
    let is_listed = access.rules.settings().listing.is_some();
    let walked = walk_until_none(access, store, which, n_at_once, n_ended).await;
    let way = match walked {
        Ok(()) => Way::Walk,
        // Where records cannot be read through, the list of the user's sessions has them.
        Err(Failure::Store(StoreError::Unsupported(_)))
            if is_listed && matches!(which, Which::OfUser(_)) =>
        {
            Way::List
        }
        Err(failure) => return Err(failure),
    };
    if let (Which::OfUser(user), Some(config)) =
        (which, access.config.as_ref().filter(|_| is_listed))
    {
        let failure = |error: &dyn std::fmt::Display| Failure::Configuration(error.to_string());
        let interface = SessionInterface::stored(config, store.clone());
        let interface = interface.map_err(|error| failure(&error))?;
        interface.revoke_user(user).await.map_err(|error| failure(&error))?;
    }
    Ok(way)
}

async fn walk_until_none(
    access: &Access,
    store: &AnyStore,
    which: &Which<'_>,
    n_at_once: usize,
    n_ended: &Cell<u64>,
) -> Result<(), Failure> {
    let progress = Progress::new("ended");
    // New sessions begin all the time, so that ending all of them would never be done.
    let most = if let Which::OfUser(_) = which { MOST_WALKS } else { 1 };
    for _ in 0..most {
        let (mut sessions, before) = (Sessions::new(access, store), n_ended.get());
        while let Some(part) = sessions.next_bare(|info| which.has(info)).await? {
            let ending = part.sessions.into_iter().map(|found| end_one(store, found, n_ended));
            let ids: Vec<_> =
                stream::iter(ending).buffer_unordered(n_at_once).try_collect().await?;
            print(ids.concat().as_bytes())?;
            progress.at(n_ended.get());
            if let Which::These(ids) = which
                && n_ended.get() == ids.len() as u64
            {
                return Ok(());
            }
        }
        if n_ended.get() == before {
            break;
        }
    }
    Ok(())
}

/// Ends a session, and returns the line that says so; an empty one if it has ended by itself.
async fn end_one(
    store: &AnyStore,
    (entry, info): (Entry, Info),
    n_ended: &Cell<u64>,
) -> Result<String, StoreError> {
    match patiently(|| store.delete(&entry.key)).await? {
        Deleted::Gone => Ok(String::new()),
        Deleted::Deleted => {
            n_ended.set(n_ended.get() + 1);
            Ok(info.id + "\n")
        }
    }
}
