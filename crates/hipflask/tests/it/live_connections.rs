//! Watching a session after its request: at once where this process ends it, within the delay where another
//! does, and nothing is left behind. Time is tokio's, which stands still until all wait.

use std::{future::Future, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use hipflask::{
    OnUserLimit, Reason, Session, SessionConfig, SessionInterface, SessionWatch, UnixTime,
    config::OnOutage, core::stored::SessionId, store::MemoryStore,
};
use http::{HeaderMap, header};
use tokio::time::{Instant, sleep};

use crate::{
    app::{self, NOW, cookie},
    watched::Watched,
};

const DELAY: Duration = Duration::from_secs(60);

/// The time of a test: it goes on only while all wait.
#[derive(Clone, Copy)]
struct Time(Instant);

impl Time {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn since_epoch(self) -> Duration {
        Duration::from_secs(NOW.as_secs()) + self.0.elapsed()
    }

    fn clock(self) -> impl Fn() -> UnixTime + Send + Sync + 'static {
        move || UnixTime::since_epoch(self.since_epoch())
    }
}

/// Two nodes over one store, and what the first one asks it; sessions in signed cookies, or in the store.
struct Nodes {
    here: SessionInterface,
    elsewhere: SessionInterface,
    asked: Watched,
}

fn config() -> SessionConfig {
    app::config().with_revocation_delay(DELAY).with_permanent(true)
}

fn nodes(config: &SessionConfig, is_stored: bool) -> Nodes {
    let time = Time::start();
    let store = MemoryStore::new().with_clock(move || time.since_epoch());
    let asked = Watched::over(store.clone());
    let of = |store| match is_stored {
        true => SessionInterface::stored(config, store).unwrap().with_clock(time.clock()),
        false => SessionInterface::revocable(config, store).unwrap().with_clock(time.clock()),
    };
    let [here, elsewhere] = [asked.clone(), Watched::over(store)].map(of);
    Nodes { here, elsewhere, asked }
}

/// Serves a request, and returns what it has taken of its session, and the cookie that the browser has.
async fn serve<T>(
    sessions: &SessionInterface,
    cookie: &str,
    handler: impl AsyncFnOnce(&Session) -> T,
) -> (T, String) {
    let request = sessions.request([cookie.as_bytes()]);
    let session = request.session().await.unwrap();
    let taken = handler(&session).await;
    drop(session);
    let mut headers = HeaderMap::new();
    request.finish_into(&mut headers).await.unwrap();
    let sent = headers.get(header::SET_COOKIE).map(|line| line.to_str().unwrap());
    let pair = sent.map_or(cookie, |line| line.split(';').next().unwrap());
    (taken, pair.to_owned())
}

async fn log_in(sessions: &SessionInterface) -> (SessionWatch, String) {
    serve(sessions, "", async |session| {
        let watch = session.watch();
        session.log_in("7").unwrap();
        watch
    })
    .await
}

async fn watch(sessions: &SessionInterface, cookie: &str) -> SessionWatch {
    serve(sessions, cookie, async |session| session.watch()).await.0
}

/// Lets the tasks run that are ready, without any time going by.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Why a session has ended by now, if it has.
async fn now(watch: &SessionWatch) -> Option<Reason> {
    settle().await;
    watch.ended().now_or_never()
}

/// How long it takes until a session has ended, and why it has.
async fn until(watch: &SessionWatch) -> (Duration, Reason) {
    let start = Instant::now();
    let reason = tokio::time::timeout(Duration::from_secs(86_400), watch.ended()).await;
    (start.elapsed(), reason.expect("it never ends"))
}

/// The ways in which somebody ends a session of user 7 whose cookie is known.
const WAYS: [&str; 5] = ["log_out", "pop", "revoke_user", "revoke_others", "other_user"];

async fn end(way: &str, sessions: &SessionInterface, cookie: &str) {
    match way {
        "log_out" => drop(serve(sessions, cookie, async |it| it.log_out().unwrap()).await),
        "pop" => drop(serve(sessions, cookie, async |it| it.remove("_user_id").unwrap()).await),
        "revoke_user" => sessions.revoke_user("7").await.unwrap(),
        "revoke_others" => {
            sleep(Duration::from_secs(1)).await; // a log-in of another second
            let (_, other) = log_in(sessions).await;
            serve(sessions, &other, async |it| it.revoke_others().await.unwrap()).await;
        }
        "other_user" => drop(serve(sessions, cookie, async |it| it.log_in("8").unwrap()).await),
        way => panic!("{way}"),
    }
}

fn reason_of(way: &str, is_stored: bool) -> Reason {
    match (way, is_stored) {
        (_, false) => Reason::Revoked,
        ("pop", true) => Reason::UserChanged,
        ("other_user", true) => Reason::Renewed,
        (_, true) => Reason::UnknownId,
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_it_here_is_noticed_at_once_and_elsewhere_within_the_delay() {
    for is_stored in [false, true] {
        for way in WAYS {
            for is_here in [true, false] {
                let nodes = nodes(&config(), is_stored);
                let (watch, cookie) = log_in(&nodes.here).await;
                sleep(Duration::from_secs(1)).await;
                assert_eq!(now(&watch).await, None, "{way}");
                end(way, if is_here { &nodes.here } else { &nodes.elsewhere }, &cookie).await;
                if is_here {
                    let expected = Some(reason_of(way, is_stored));
                    assert_eq!(now(&watch).await, expected, "{way} {is_stored}");
                } else {
                    assert_eq!(now(&watch).await, None, "{way}: nobody can know it yet");
                    let (after, reason) = until(&watch).await;
                    assert!(after <= DELAY, "{way} {is_stored}: {after:?}");
                    assert_eq!(reason, reason_of(way, is_stored), "{way}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_a_list_and_the_oldest_over_the_limit_end_at_once() {
    let config = config().with_user_limit(1).with_on_user_limit(OnUserLimit::EndOldest);
    let nodes = nodes(&config, true);
    let (first, cookie) = log_in(&nodes.here).await;
    let handle = serve(&nodes.here, &cookie, async |it| it.handle().unwrap()).await.0;
    assert!(nodes.here.revoke_session_of("7", &handle).await.unwrap());
    assert_eq!(now(&first).await, Some(Reason::UnknownId));
    let (second, _) = log_in(&nodes.here).await;
    assert_eq!(now(&second).await, None);
    let (third, _) = log_in(&nodes.here).await;
    assert_eq!(now(&second).await, Some(Reason::UnknownId));
    assert_eq!(now(&third).await, None);
}

#[tokio::test(start_paused = true)]
async fn request_that_renews_is_followed_and_the_others_end() {
    let nodes = nodes(&config(), true);
    let (first, cookie) = log_in(&nodes.here).await;
    let (second, renewed) = serve(&nodes.here, &cookie, async |session| {
        let watch = session.watch();
        session.renew().unwrap();
        watch
    })
    .await;
    assert_ne!(renewed, cookie);
    assert_eq!(now(&first).await, Some(Reason::Renewed));
    sleep(10 * DELAY).await;
    assert_eq!(now(&second).await, None);
    serve(&nodes.here, &renewed, async |session| session.destroy().unwrap()).await;
    assert_eq!(now(&second).await, Some(Reason::UnknownId));
}

#[tokio::test(start_paused = true)]
async fn watch_waits_for_its_request_and_is_true_however_that_ends() {
    for is_stored in [false, true] {
        let nodes = nodes(&config(), is_stored);
        // Under way, nothing is known.
        let request = nodes.here.request([]);
        let session = request.session().await.unwrap();
        let watch = session.watch();
        assert_eq!(now(&watch).await, None);
        session.log_in("7").unwrap();
        drop(session);
        request.finish().await.unwrap();
        assert_eq!(now(&watch).await, None);

        let (_, cookie) = log_in(&nodes.here).await;
        let ended = serve(&nodes.here, &cookie, async |session| {
            let watch = session.watch();
            session.log_out().unwrap();
            watch
        });
        assert_eq!(now(&ended.await.0).await, Some(Reason::Revoked));
        let none = serve(&nodes.here, "", async |session| session.watch()).await.0;
        assert_eq!(now(&none).await, Some(Reason::NoCookie));

        // Given up, as when the client has gone: it is what it was.
        let (_, cookie) = log_in(&nodes.here).await;
        let request = nodes.here.request([cookie.as_bytes()]);
        let session = request.session().await.unwrap();
        let (early, late) = (session.watch(), session.clone());
        session.log_out().unwrap();
        drop((session, request));
        let late = late.watch();
        assert_eq!([now(&early).await, now(&late).await], [None, None]);
        end("log_out", &nodes.here, &cookie).await;
        assert!(now(&early).await.is_some() && now(&late).await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn save_that_fails_leaves_what_was_there() {
    let nodes = nodes(&config(), true);
    let (_, cookie) = log_in(&nodes.here).await;
    let request = nodes.here.request([cookie.as_bytes()]);
    let session = request.session().await.unwrap();
    let watch = session.watch();
    session.renew().unwrap();
    drop(session);
    nodes.asked.set_down(true);
    request.finish().await.unwrap_err();
    nodes.asked.set_down(false);
    assert_eq!(now(&watch).await, None);
    end("log_out", &nodes.here, &cookie).await;
    assert!(now(&watch).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn time_ends_it() {
    let minute = Duration::from_secs(60);
    // In its cookie, which nobody can revoke.
    let (time, config) = (Time::start(), app::config().with_lifetime(10 * minute));
    let plain = SessionInterface::signed(&config).unwrap().with_clock(time.clock());
    let (watch, _) = log_in(&plain).await;
    let (after, reason) = until(&watch).await;
    assert_eq!(reason, Reason::Expired);
    assert!(after > 10 * minute && after <= 10 * minute + Duration::from_secs(2), "{after:?}");
    // In a store that drops it, however often it was looked at: looking is no use of it.
    let idle = config.clone().with_idle_timeout(10 * minute);
    let (watch, _) = log_in(&nodes(&idle, true).here).await;
    let (after, reason) = until(&watch).await;
    assert_eq!(reason, Reason::UnknownId);
    assert!(after >= 10 * minute && after <= 11 * minute, "{after:?}");
    // However often it is used.
    let absolute = config.with_absolute_timeout(10 * minute).with_revocation_delay(DELAY * 100);
    let nodes = nodes(&absolute, true);
    let (watch, cookie) = log_in(&nodes.here).await;
    for _ in 0..9 {
        sleep(minute).await;
        serve(&nodes.here, &cookie, async |session| session.insert("a", 1).unwrap()).await;
        assert_eq!(now(&watch).await, None);
    }
    let (after, _) = until(&watch).await;
    assert!(after <= minute + Duration::from_secs(1), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn store_that_is_away_for_a_minute_ends_it_and_shorter_does_not() {
    for on_outage in [OnOutage::Anonymous, OnOutage::Refuse] {
        for is_stored in [false, true] {
            let nodes = nodes(&config().with_on_outage(on_outage), is_stored);
            let (watch, _) = log_in(&nodes.here).await;
            settle().await;
            nodes.asked.set_down(true);
            sleep(Duration::from_secs(80)).await; // of which at least 20 nobody looks
            nodes.asked.set_down(false);
            sleep(10 * DELAY).await;
            assert_eq!(now(&watch).await, None, "it is back");
            nodes.asked.set_hung(true);
            let (after, reason) = until(&watch).await;
            assert_eq!(reason, Reason::StoreUnavailable);
            assert!(after >= DELAY && after <= 3 * DELAY, "{after:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_handles_of_one_session_ask_once_and_leave_nothing_behind() {
    for (is_stored, n_records) in [(true, 1), (false, 2)] {
        let nodes = nodes(&config(), is_stored);
        let (first, cookie) = log_in(&nodes.here).await;
        let mut watches = vec![first.clone(), first];
        for _ in 0..10 {
            watches.push(watch(&nodes.here, &cookie).await);
        }
        settle().await;
        nodes.asked.asked();
        sleep(10 * DELAY).await;
        let n_asked = nodes.asked.asked().len();
        assert!((10 * n_records..=21 * n_records).contains(&n_asked), "{n_asked}");
        let other = watches.pop();
        drop(watches);
        sleep(2 * DELAY).await;
        assert!(!nodes.asked.asked().is_empty(), "one is still there");
        drop(other);
        settle().await;
        sleep(100 * DELAY).await;
        assert!(nodes.asked.asked().is_empty(), "nobody watches any more");
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
        // Whoever comes later watches anew.
        let again = watch(&nodes.here, &cookie).await;
        assert_eq!(now(&again).await, None);
        end("revoke_user", &nodes.here, &cookie).await;
        assert!(now(&again).await.is_some());
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    }
}

/// The store has done what it was asked, and nobody waits for the answer any more.
#[tokio::test(start_paused = true)]
async fn end_that_is_given_up_wakes_too() {
    let nodes = nodes(&config(), true);
    let (watch, cookie) = log_in(&nodes.here).await;
    let (_, id) = cookie.split_once('=').unwrap();
    let id = SessionId::parse(id.as_bytes()).unwrap();
    assert_eq!(now(&watch).await, None);
    assert!(nodes.elsewhere.revoke(&id).await.unwrap());
    assert_eq!(now(&watch).await, None, "nobody here knows");
    nodes.asked.set_hung(true);
    assert!(nodes.here.revoke(&id).now_or_never().is_none());
    nodes.asked.set_hung(false);
    assert_eq!(now(&watch).await, Some(Reason::UnknownId));
}

#[test]
fn watch_ends_with_the_runtime_that_looks_and_the_next_one_looks_anew() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let nodes = first.block_on(async { nodes(&config(), true) });
    let (lost, cookie) = first.block_on(async {
        let logged_in = log_in(&nodes.here).await;
        settle().await;
        logged_in
    });
    drop(first);
    second.block_on(async {
        assert_eq!(now(&lost).await, Some(Reason::StoreUnavailable));
        let next = watch(&nodes.here, &cookie).await;
        assert_eq!(now(&next).await, None);
        end("log_out", &nodes.here, &cookie).await;
        assert_eq!(now(&next).await, Some(Reason::UnknownId));
    });
}

#[tokio::test(start_paused = true)]
async fn requests_pay_nothing_and_watching_extends_no_life() {
    let nodes = nodes(&config(), true);
    let (watch, cookie) = log_in(&nodes.here).await;
    settle().await;
    nodes.asked.asked();
    drop(watch);
    settle().await;
    serve(&nodes.here, &cookie, async |session| session.insert("a", 1).unwrap()).await;
    assert_eq!(nodes.asked.asked(), ["load", "replace"]);
}

#[tokio::test(start_paused = true)]
async fn stream_ends_with_its_session() {
    let nodes = nodes(&config(), true);
    let (watch, cookie) = log_in(&nodes.here).await;
    let ticks = stream::unfold((), async |()| {
        sleep(Duration::from_secs(1)).await;
        Some(((), ()))
    });
    let mut ticks = Box::pin(watch.take_until_ended(ticks));
    assert_eq!(ticks.next().await, Some(()));
    end("log_out", &nodes.here, &cookie).await;
    settle().await;
    assert_eq!(ticks.next().await, None);
}

#[test]
fn watch_goes_into_any_task_and_shows_nothing() {
    fn is_send<T: Send + Sync + 'static>(_: &T) {}
    fn is_future(_: impl Future<Output = Reason> + Send + 'static) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let interface = SessionInterface::signed(&app::config()).unwrap().with_clock(|| NOW);
        let watch = watch(&interface, &cookie(r#"{"user_id":7}"#)).await;
        is_send(&watch);
        is_future(watch.ended());
        assert_eq!(format!("{watch:?}"), "SessionWatch { .. }");
    });
}
