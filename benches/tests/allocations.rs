//! Counts allocations: of a request that does not ask for its session, and of one that does.

use std::convert::Infallible;

use allocation_counter::measure;
use futures_util::FutureExt;
use hipflask::{SecretKey, Session, SessionLayer};
use hipflask_benches::workload::{SECRET_KEY, Workload};
use hipflask_core::{interface::CookieSessions, signing::KeyRing};
use http::{Request, Response, header::COOKIE};
use tower::{Layer, Service, service_fn};

type Body = &'static str;

async fn hello(_request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new("hello"))
}

async fn ask(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    use axum::extract::FromRequestParts;
    let (mut parts, _body) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &()).await;
    assert!(session.is_ok());
    Ok(Response::new("hello"))
}

/// Returns the allocations between request and response.
fn count<S>(service: &mut S) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let call = |service: &mut S| {
        let cookie = "session=eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";
        let request = Request::builder().header(COOKIE, cookie).body("").expect("it is a request");
        let mut response = None;
        let info = measure(|| response = service.call(request).now_or_never());
        assert_eq!(response.map(|it| it.map(Response::into_body)), Some(Ok("hello")));
        info.count_total
    };
    call(service); // The first request of a thread may set up what the thread keeps.
    call(service)
}

fn layer() -> SessionLayer {
    let key = SecretKey::random().expect("the system has random bytes");
    SessionLayer::new(key).expect("a random key is strong")
}

/// The session's place, which is shared with the request's extensions, and what extensions need: their
/// map, its table and a box. A router has made the map and the table already. The fifth is the header's
/// own, which becomes shared here; a server's is from the start.
#[test]
fn untouched_request_allocates_five_times_in_the_layer() {
    let bare = count(&mut service_fn(hello));
    assert_eq!(count(&mut layer().layer(service_fn(hello))), bare + 5);
}

#[test]
fn count_sees_the_session_of_a_request_that_asks() {
    let bare = count(&mut service_fn(hello));
    assert!(count(&mut layer().layer(service_fn(ask))) > bare);
}

#[test]
fn open_and_save_allocate_little() {
    let interface = CookieSessions::new(&KeyRing::new(SECRET_KEY));
    for workload in Workload::all() {
        let Workload { name, cookie, key, now, .. } = &workload;
        let open = || interface.open(Some(cookie.as_bytes()), *now).session;
        let mut session = open();
        let opened = measure(|| drop(open()));
        let read = measure(|| drop(session.get::<u64>(key)));
        session.insert(*key, 1).expect("it can be changed");
        let saved = measure(|| drop(interface.save(&session, *now)));
        let [opened, read, saved] = [opened, read, saved].map(|info| info.count_total);
        assert_eq!(read, 0, "a small integer is read in place");
        // Four are tables of the deflate.
        assert!(opened <= 4 && saved <= 8, "{name}: open {opened}, save {saved} allocations");
        eprintln!("{name}: open {opened}, get {read}, save {saved} allocations");
    }
}
