//! `hipflask sessions migrate`: brings sessions to another store or format, also while they are used.
//!
//! `source` makes of a record what is to be written, `verdict` decides about what is in the target already,
//! `journal` remembers what was written, `carry` writes, `ends` carries log-outs over, `report` tells.
//! Nothing is overwritten but what the journal says was written here and nobody has changed since.

mod carry;
mod ends;
mod journal;
mod report;
mod source;
mod verdict;

use std::{
    cell::RefCell,
    io,
    sync::{Arc, OnceLock},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hipflask::store::{AnyStore, Entry, RecordKey, Store, StoreError, StoreKind};
use hipflask_core::{record::TakeOver, signing::KeyRing, stored::StoredSessions};

use self::{
    carry::Carrier,
    journal::{Journal, handle},
    report::Report,
    source::{Job, Source},
};
use super::{
    access::{Access, now, open},
    args::MigrateArgs,
    interrupt::until_interrupted,
    progress::Progress,
    walk::{Walk, patiently},
};
use crate::output::{Failure, Status, print_line, say};

/// How often the source is gone through at most, until nobody has changed anything meanwhile.
const MOST_PASSES: u32 = 5;
/// How many records are on their way at the same time.
const AT_ONCE: usize = 32;
/// How many of them, and of their bytes, a store may write in one step; others wait for it meanwhile.
const BATCH: usize = 250;
const BATCH_BYTES: usize = 1 << 20;
const BATCHES_AT_ONCE: usize = 4;

/// Returns it for the store at an address: SQLite has one writer, and others would only wait.
pub(super) fn at_once(address: &str) -> usize {
    let is_sqlite = StoreKind::of(address).is_ok_and(|kind| kind.feature() == "sqlite");
    if is_sqlite { 1 } else { AT_ONCE }
}

/// Migrates, and reports what was done, also when it is interrupted.
pub(super) async fn run(args: &MigrateArgs) -> Result<Status, Failure> {
    let mut access = Access::read(&args.config)?;
    let from_address = access.address(args.from.as_deref())?.to_owned();
    if from_address == args.to && args.take_over.is_none() {
        return Err(Failure::Configuration("--from and --to are the same store".into()));
    }
    let (from, to) = (open(&from_address).await?, open(&args.to).await?);
    if let Err(error) = patiently(|| probe(&from, access.key_prefix())).await {
        let place = StoreKind::shown(&from_address).unwrap_or_default();
        return Err(Failure::Configuration(format!("cannot read the source {place}: {error}")));
    }
    if args.record_format.is_some() {
        access.rules = access.rules.with_record_format(args.record_format);
    }
    if let Some(package) = args.take_over {
        if package.lies_in_cookie() {
            let why = format!(
                "the sessions of {package} lie in cookies, and there are no records to copy"
            );
            return Err(Failure::Configuration(why));
        }
        // Records are not signed.
        access.rules = access.rules.with_take_over(TakeOver::new(package, &KeyRing::new("")));
    }
    let names = [&*from_address, &args.to, access.key_prefix()];
    let mut migration = Migration {
        journal: Journal::open(args.journal.as_deref(), &names, args.dry_run)?,
        seals: access.config.as_ref().is_some_and(|it| it.encrypts()),
        reading: access.rules.clone().for_store(&from),
        writing: access.rules.for_store(&to),
        from,
        n_at_once: at_once(&args.to),
        carrier: Carrier { to, is_dry: args.dry_run, is_missing: false },
    };
    migration.prepare().await?;
    let report = RefCell::new(Report::new(args.dry_run));
    let outcome = until_interrupted(migration.run(&report)).await;
    let report = report.into_inner();
    let text = if args.format.json { report.to_json().to_string() } else { report.to_text() };
    print_line(text.as_bytes())?;
    if outcome.is_err() {
        say("not all sessions were looked at: run it again to go on");
    }
    outcome?;
    Ok(Status::refused_if(!report.is_clean()))
}

struct Migration {
    from: AnyStore,
    carrier: Carrier,
    /// The rules of the source, and those of the target, whose format can be another.
    reading: StoredSessions,
    writing: StoredSessions,
    seals: bool,
    /// How many records are on their way at the same time.
    n_at_once: usize,
    journal: Journal,
}

impl Migration {
    /// Makes what the target lacks, if it is to be written.
    async fn prepare(&mut self) -> Result<(), Failure> {
        let to = &self.carrier.to;
        if !self.carrier.is_dry {
            return Ok(patiently(|| to.prepare()).await?);
        }
        if let Err(StoreError::Refused(_)) = probe(to, &self.writing.settings().key_prefix).await {
            say("the target has no table yet: it counts as empty");
            self.carrier.is_missing = true;
        }
        Ok(())
    }

    async fn run(&mut self, report: &RefCell<Report>) -> Result<(), Failure> {
        let sessions = self.writing.settings().key_prefix.clone();
        let lists = format!("sessions_of:{sessions}");
        let take_over = self.reading.settings().take_over.clone();
        let source =
            take_over.as_ref().and_then(|it| it.package().key_prefix()).unwrap_or(&sessions);
        for pass in 1..=MOST_PASSES {
            report.borrow_mut().begin_pass();
            self.pass(source, pass, report).await?;
            self.pass(&lists, pass, report).await?;
            if self.carrier.is_dry {
                break;
            }
            if !report.borrow().has_written_in_pass() || pass == MOST_PASSES {
                let (to, prefixes) = (&self.carrier.to, [&*sessions, &*lists]);
                ends::carry_over(to, &prefixes, &mut self.journal, (pass, now()), report).await?;
                break;
            }
        }
        Ok(())
    }

    /// Goes through the records of a prefix once.
    async fn pass(
        &mut self,
        prefix: &str,
        pass: u32,
        report: &RefCell<Report>,
    ) -> Result<(), Failure> {
        let from = self.from.clone();
        let (mut walk, progress) = (Walk::new(&from, prefix), Progress::new("looked at"));
        let total = progress.is_shown().then(|| count(from.clone(), prefix.to_owned()));
        let mut n_seen = 0;
        while let Some(page) = walk.next().await? {
            n_seen += page.len() as u64;
            self.page(page, pass, report).await?;
            if let Some(total) = total.as_ref().and_then(|it| it.get()) {
                progress.set_total(*total);
            }
            progress.at(n_seen);
        }
        Ok(())
    }

    /// Returns where a record is to lie; `None` if it is no session.
    fn target(&self, key: &RecordKey) -> Option<RecordKey> {
        let take_over = self.reading.settings().take_over.as_ref();
        match take_over.and_then(|it| it.package().key_prefix()) {
            Some(_) => self.writing.key_of_taken(key),
            None => Some(key.clone()),
        }
    }

    async fn page(
        &mut self,
        page: Vec<Entry>,
        pass: u32,
        report: &RefCell<Report>,
    ) -> Result<(), Failure> {
        let now = now();
        let source = Source {
            reading: self.reading.settings().coding(now),
            writing: self.writing.settings().coding(now),
            seals: self.seals,
            idle: self.writing.settings().idle(),
            now,
        };
        let (mut jobs, mut longer) = (Vec::new(), Vec::new());
        for entry in page {
            let Some(key) = self.target(&entry.key) else { continue };
            let handle = handle(&key);
            let known = self.journal.item(&handle);
            if !entry.record.is_retired() {
                self.journal.see(&handle, pass);
            }
            match source.job(entry, key, known) {
                Ok(job) if job.is_settled() => longer.extend(Some(job).filter(Job::lives_longer)),
                Ok(job) => jobs.push(job),
                Err(outcome) => report.borrow_mut().add(outcome),
            }
        }
        for job in jobs.iter().chain(&longer) {
            self.journal
                .intend(job.handle, job.intended, pass)
                .map_err(|error| journal_failure(&error))?;
        }
        self.journal.flush().map_err(|error| journal_failure(&error))?;
        let (carrier, coding) = (&self.carrier, &source.writing);
        let extending = longer.iter().map(|job| carrier.extend(job));
        stream::iter(extending).buffer_unordered(self.n_at_once).try_collect::<()>().await?;
        longer
            .iter()
            .try_for_each(|job| self.journal.settle(&job.handle))
            .map_err(|error| journal_failure(&error))?;
        let creating = batches(&jobs).map(|batch| carrier.create_many(batch));
        let n_batches = self.n_at_once.min(BATCHES_AT_ONCE);
        let mut creating = stream::iter(creating).buffer_unordered(n_batches);
        let mut created = Vec::with_capacity(jobs.len());
        while let Some(batch) = creating.try_next().await? {
            let mut written = batch.iter().filter(|(_, is_written)| *is_written);
            // At once, so that a run that ends now does not bring them back after they have ended there.
            written
                .try_for_each(|(job, _)| self.journal.confirm(&job.handle))
                .and_then(|()| self.journal.flush())
                .map_err(|error| journal_failure(&error))?;
            created.extend(batch);
        }
        let bringing = created.into_iter().map(|(job, is_written)| async move {
            Ok::<_, StoreError>((job, carrier.bring(job, is_written, coding).await?))
        });
        let mut brought = stream::iter(bringing).buffer_unordered(self.n_at_once);
        while let Some((job, outcome)) = brought.try_next().await? {
            let noted = match outcome.settles() {
                true => self.journal.settle(&job.handle),
                false => self.journal.restore(job.handle, job.known, pass),
            };
            noted.map_err(|error| journal_failure(&error))?;
            report.borrow_mut().add(outcome);
        }
        Ok(())
    }
}

/// Reads under a key that no session has, to see whether the store can be read.
async fn probe(store: &AnyStore, key_prefix: &str) -> Result<(), StoreError> {
    store.load(&RecordKey::new(format!("{key_prefix}probe")), None).await.map(drop)
}

/// Divides records into what is written at once.
fn batches(jobs: &[Job]) -> impl Iterator<Item = &[Job]> {
    let (mut n, mut bytes) = (0, 0);
    jobs.chunk_by(move |job, _| {
        (n, bytes) = (n + 1, bytes + job.payload.len());
        let goes_on = n < BATCH && bytes < BATCH_BYTES;
        if !goes_on {
            (n, bytes) = (0, 0);
        }
        goes_on
    })
}

fn journal_failure(error: &io::Error) -> Failure {
    Failure::Configuration(format!("cannot write the journal: {error}"))
}

/// Counts records while others of them are brought over.
fn count(store: AnyStore, prefix: String) -> Arc<OnceLock<u64>> {
    let total = Arc::new(OnceLock::new());
    let counted = Arc::clone(&total);
    tokio::spawn(async move {
        let (mut walk, mut n) = (Walk::new(&store, &prefix), 0);
        loop {
            match walk.next().await {
                Ok(Some(page)) => n += page.len() as u64,
                Ok(None) => break counted.set(n),
                // Without it there is no bar.
                Err(_) => break Ok(()),
            }
        }
    });
    total
}
