//! Requests of one session that overlap at random, through the whole layer: a sample, on a real
//! server, of what the explorer goes through exhaustively over a model.

use std::time::Duration;

use axum::{Router, body::Body, extract::Path, routing::get};
use hipflask::{
    Result, SecretKey, Session, SessionLayer,
    store::AnyStore,
    value::{Dict, Value},
};
use http::{Request, Response, StatusCode, header};
use tower::ServiceExt;

const N_REQUESTS: usize = 3;

/// What one request does between loading and saving.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Append,
    Destroy,
    Flash,
    Nest,
    Read,
    Renew,
    Set,
    Update,
}

const ACTS: [Act; 8] = [
    Act::Append,
    Act::Destroy,
    Act::Flash,
    Act::Nest,
    Act::Read,
    Act::Renew,
    Act::Set,
    Act::Update,
];

/// How often requests overlapped, and on what.
#[derive(Debug, Default)]
pub(crate) struct Overlaps {
    pub(crate) trials: usize,
    pub(crate) kept: usize,
    pub(crate) ended: usize,
}

/// Lets requests of one session overlap, `n_trials` times.
///
/// # Panics
///
/// If a write of a session that goes on is lost, or what has ended comes back.
pub(crate) async fn overlap(store: AnyStore, n_trials: usize) -> Overlaps {
    let key = SecretKey::random().unwrap();
    let app = Router::new()
        .route("/start", get(start))
        .route("/{n}/{act}/{before}/{after}", get(act))
        .route("/content", get(content))
        .layer(SessionLayer::new(key).unwrap().with_store(store));
    let (mut overlaps, mut random) = (Overlaps::default(), Random(0x9e37_79b9_7f4a_7c15));
    for _ in 0..n_trials {
        let acts: Vec<Act> = (0..N_REQUESTS).map(|_| ACTS[random.below(ACTS.len())]).collect();
        let cookie = cookie_of(&send(&app, "/start", "").await).unwrap();
        let requests = acts.iter().enumerate().map(|(n, act)| {
            let (before, after) = (random.below(4), random.below(4));
            let path = format!("/{n}/{act:?}/{before}/{after}");
            let (app, cookie) = (app.clone(), cookie.clone());
            tokio::spawn(async move { send(&app, &path, &cookie).await })
        });
        let mut renewed = None;
        for request in requests.collect::<Vec<_>>() {
            let response = request.await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{acts:?}");
            renewed = cookie_of(&response).filter(|new| *new != cookie).or(renewed);
        }
        let left = content_of(&app, &cookie).await;
        let is_over = acts.iter().any(|act| [Act::Destroy, Act::Renew].contains(act));
        match is_over {
            true => assert!(left.is_empty(), "{acts:?} left {left:?}"),
            false => check_kept(&acts, &left),
        }
        if let (Some(renewed), false) = (renewed, acts.contains(&Act::Destroy)) {
            let moved = content_of(&app, &renewed).await;
            assert_eq!(moved.get("base"), Some(&Value::from(1)), "{acts:?} moved {moved:?}");
        }
        overlaps.trials += 1;
        overlaps.kept += usize::from(!is_over);
        overlaps.ended += usize::from(is_over);
    }
    overlaps
}

fn check_kept(acts: &[Act], left: &Dict) {
    let count = |act| acts.iter().filter(|it| **it == act).count();
    let len = |key| left.get(key).and_then(Value::as_list).map_or(0, <[Value]>::len);
    let nested = left.get("nested").and_then(Value::as_dict).map_or(0, Dict::len);
    let number = left.get("number").and_then(Value::as_i64).unwrap_or(0);
    assert_eq!(len("list"), count(Act::Append), "{acts:?} left {left:?}");
    assert_eq!(len("_flashes"), count(Act::Flash), "{acts:?} left {left:?}");
    assert_eq!(nested, count(Act::Nest), "{acts:?} left {left:?}");
    assert_eq!(usize::try_from(number), Ok(count(Act::Update)), "{acts:?} left {left:?}");
    for (n, act) in acts.iter().enumerate() {
        assert_eq!(left.contains(&format!("own{n}")), *act == Act::Set, "{acts:?} left {left:?}");
    }
}

async fn start(session: Session) -> Result<()> {
    session.insert("base", 1)
}

async fn content(session: Session) -> Result<String> {
    let content: serde_json::Value = session.extract()?;
    Ok(content.to_string())
}

async fn act(
    session: Session,
    Path((n, act, before, after)): Path<(usize, String, u64, u64)>,
) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(before)).await;
    match act.as_str() {
        "Append" => session.push("list", n)?,
        "Destroy" => session.destroy()?,
        "Flash" => session.flash("message", "the same")?,
        "Nest" => change(&session, "nested", |dict| {
            dict.as_dict_mut().and_then(|dict| dict.insert(format!("by{n}"), Value::from(n)));
        })?,
        "Renew" => session.renew()?,
        "Set" => session.insert(format!("own{n}"), n)?,
        "Update" => {
            let updated = session.update("number", |old: Option<u64>| old.unwrap_or(0) + 1).await;
            // Another request may end the session first.
            if let Err(error) = updated
                && !error.is_conflict()
            {
                return Err(error);
            }
        }
        _ => drop(session.value("base")),
    }
    tokio::time::sleep(Duration::from_millis(after)).await;
    Ok(())
}

/// Changes a dict that may not be there yet.
fn change(session: &Session, key: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut value = session.value(key).unwrap_or_else(|| Value::Dict(Dict::new()));
    change(&mut value);
    session.set(key, value)
}

async fn send(app: &Router, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::get(path).header(header::COOKIE, cookie);
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn content_of(app: &Router, cookie: &str) -> Dict {
    let body = send(app, "/content", cookie).await.into_body();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let content: Value = serde_json::from_slice(&bytes).unwrap();
    let mut content = content.as_dict().cloned().unwrap_or_default();
    content.remove("_permanent");
    content
}

/// Returns the session cookie that a response sets, unless it deletes it.
fn cookie_of(response: &Response<Body>) -> Option<String> {
    let line = response.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    let cookie = line.split(';').next()?;
    (cookie != "session=").then(|| cookie.to_owned())
}

struct Random(u64);

impl Random {
    /// Returns one of the numbers below `n`, the same ones in every run.
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_requests_lose_nothing_in_memory() {
    let store = AnyStore::new(hipflask::store::MemoryStore::new());
    let overlaps = overlap(store, 400).await;
    assert!(overlaps.kept > 50 && overlaps.ended > 50, "{overlaps:?}");
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_requests_lose_nothing_in_redis() {
    let server = hipflask_servers::redis::start(hipflask_servers::free_port().unwrap(), &[]);
    let server = server.unwrap();
    let address = format!("redis://127.0.0.1:{}", server.port());
    let overlaps = overlap(hipflask::store::connect(&address).await.unwrap(), 400).await;
    assert!(overlaps.kept > 50 && overlaps.ended > 50, "{overlaps:?}");
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_requests_lose_nothing_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite3");
    let address = format!("sqlite:{}?create=true", path.display());
    let overlaps = overlap(hipflask::store::connect(&address).await.unwrap(), 400).await;
    assert!(overlaps.kept > 50 && overlaps.ended > 50, "{overlaps:?}");
}
