//! What the axum layer promises, kept by the adapter for actix-web.

#![expect(clippy::unwrap_used, reason = "what the tests set up is there")]

use std::sync::{Arc, Mutex};

use actix_web::{
    App, FromRequest, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    http::header::{CACHE_CONTROL, COOKIE, HeaderName, SET_COOKIE, VARY},
    middleware::{Next, from_fn},
    test::{TestRequest, call_service, init_service, read_body},
    web::{self, Bytes, Data, get},
};
use futures_util::{FutureExt, stream};
use hipflask::{SaveError, SecretKey, SessionConfig, SessionInterface, store::MemoryStore};
use hipflask_actix_example::{Error, Session, sessions};
use tokio::sync::Notify;

fn config() -> SessionConfig {
    SessionConfig::new(SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24"))
}

fn signed() -> SessionInterface {
    SessionInterface::signed(&config()).unwrap()
}

fn stored() -> SessionInterface {
    SessionInterface::stored(&config(), MemoryStore::new()).unwrap()
}

fn request(path: &str, cookie: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header((COOKIE, cookie))
}

fn lines<B>(response: &ServiceResponse<B>, name: HeaderName) -> Vec<&str> {
    response.headers().get_all(name).map(|line| line.to_str().unwrap()).collect()
}

/// Returns the cookie that goes back, as the browser has it.
fn cookie<B>(response: &ServiceResponse<B>) -> String {
    let lines = lines(response, SET_COOKIE);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].split(';').next().unwrap().to_owned()
}

async fn count(session: Session) -> Result<String, Error> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

async fn show(session: Session) -> Result<String, Error> {
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}

#[tokio::test]
async fn session_comes_back_and_untouched_requests_have_nothing_to_send() {
    for interface in [signed(), stored()] {
        let app = App::new()
            .route("/count", get().to(count))
            .route("/show", get().to(show))
            .route("/none", get().to(|| async { "none" }))
            .wrap(sessions(interface));
        let app = init_service(app).await;
        let counted = call_service(&app, request("/count", "").to_request()).await;
        assert_eq!(lines(&counted, VARY), ["Cookie"]);
        assert!(lines(&counted, CACHE_CONTROL)[0].contains("private"));
        let cookie = cookie(&counted);
        assert_eq!(read_body(counted).await, "1");

        let shown =
            call_service(&app, request("/show", &format!("a=b; {cookie}")).to_request()).await;
        assert_eq!((lines(&shown, VARY), lines(&shown, SET_COOKIE)), (vec!["Cookie"], vec![]));
        assert_eq!(read_body(shown).await, "1");

        for path in ["/none", "/nowhere"] {
            let none = call_service(&app, request(path, &cookie).to_request()).await;
            assert!(none.headers().get(VARY).is_none() && none.headers().get(SET_COOKIE).is_none());
        }
    }
}

#[tokio::test]
async fn session_that_cannot_be_saved_makes_an_error_of_the_response() {
    async fn grow(session: Session) -> Result<HttpResponse, Error> {
        session.insert("large", incompressible())?;
        Ok(HttpResponse::Ok().insert_header((SET_COOKIE, "theme=dark")).body("grown"))
    }
    let app = App::new().route("/", get().to(grow)).wrap(sessions(signed()));
    let app = init_service(app).await;
    let response = call_service(&app, request("/", "").to_request()).await;
    assert_eq!(response.status(), 500);
    assert!(response.response().extensions().get::<SaveError>().is_some());
    assert_eq!(
        (lines(&response, SET_COOKIE), lines(&response, VARY)),
        (vec!["theme=dark"], vec!["Cookie"])
    );
    assert_eq!(read_body(response).await, "");
}

#[tokio::test]
async fn handler_without_sessions_is_told_what_to_do() {
    let app = init_service(App::new().route("/count", get().to(count))).await;
    let response = call_service(&app, request("/count", "").to_request()).await;
    assert_eq!(
        (response.status().as_u16(), lines(&response, CACHE_CONTROL)),
        (500, vec!["no-store"])
    );
    let text = read_body(response).await;
    assert!(text.ends_with(b"call .wrap(sessions(\xe2\x80\xa6)) on its app or scope"));
}

#[tokio::test]
async fn error_of_a_session_is_its_status_and_tells_nothing() {
    async fn wrong(session: Session) -> Result<String, Error> {
        session.insert("secret", "word")?;
        Ok(session.get::<u64>("secret")?.unwrap_or_default().to_string())
    }
    let app = init_service(App::new().route("/", get().to(wrong)).wrap(sessions(signed()))).await;
    let response = call_service(&app, request("/", "").to_request()).await;
    assert_eq!(response.status(), 500);
    assert_eq!(read_body(response).await, "Internal Server Error");
}

#[tokio::test]
async fn change_while_the_body_streams_is_an_error() {
    async fn page(session: Session, late: Data<Mutex<Option<hipflask::Error>>>) -> HttpResponse {
        session.insert("early", 1).unwrap();
        let chunk = async move {
            *late.lock().unwrap() = session.insert("late", 1).err();
            Ok::<_, std::io::Error>(Bytes::from_static(b"streamed"))
        };
        HttpResponse::Ok().body(BodyStream::new(Box::pin(stream::once(chunk))))
    }
    let late = Data::new(Mutex::new(None::<hipflask::Error>));
    let app = App::new().app_data(late.clone()).route("/", get().to(page)).wrap(sessions(stored()));
    let app = init_service(app).await;
    let response = call_service(&app, request("/", "").to_request()).await;
    assert_eq!(lines(&response, SET_COOKIE).len(), 1);
    assert_eq!(read_body(response).await, "streamed");
    let error = late.lock().unwrap().take().unwrap();
    assert!(error.is_response_started(), "{error}");
}

#[tokio::test]
async fn update_in_a_spawned_task_is_saved_with_the_rest() {
    async fn spawn(session: Session) -> Result<&'static str, Error> {
        drop(tokio::spawn(session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1)));
        session.insert("page", 1)?;
        Ok("ok")
    }
    for interface in [signed(), stored()] {
        let app = App::new()
            .route("/spawn", get().to(spawn))
            .route("/show", get().to(show))
            .wrap(sessions(interface));
        let app = init_service(app).await;
        let mut cookie = cookie(&call_service(&app, request("/spawn", "").to_request()).await);
        let again = call_service(&app, request("/spawn", &cookie).to_request()).await;
        // A stored session keeps its id, and a new signed cookie is a new text.
        if let Some(line) = lines(&again, SET_COOKIE).first() {
            cookie = line.split(';').next().unwrap().to_owned();
        }
        let shown = call_service(&app, request("/show", &cookie).to_request()).await;
        assert_eq!(read_body(shown).await, "2");
    }
}

#[tokio::test]
async fn request_that_is_dropped_saves_nothing_and_its_tasks_can_see_it() {
    type Held = Mutex<Option<Session>>;
    async fn hang(session: Session, held: Data<Held>, begun: Data<Arc<Notify>>) -> &'static str {
        *held.lock().unwrap() = Some(session);
        begun.notified().await;
        "never"
    }
    let (held, begun) = (Data::new(Held::default()), Data::new(Arc::new(Notify::new())));
    let app = App::new()
        .app_data(held.clone())
        .app_data(begun.clone())
        .route("/", get().to(hang))
        .wrap(sessions(stored()));
    let app = init_service(app).await;
    let mut response = Box::pin(app.call(request("/", "").to_request()));
    assert!((&mut response).now_or_never().is_none());
    let session = held.lock().unwrap().take().unwrap();
    session.insert("early", 1).unwrap();
    drop(response);
    assert!(session.insert("late", 1).is_err_and(|error| error.is_response_started()));
}

async fn only_users<B: MessageBody + 'static>(
    session: Session,
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    if session.get::<String>("user").map_err(Error::from)?.is_none() {
        session.flash("message", "log in first").map_err(Error::from)?;
        return Err(ErrorUnauthorized("no user"));
    }
    next.call(request).await
}

#[tokio::test]
async fn session_of_a_guard_is_saved_with_its_error() {
    async fn flashes(session: Session) -> Result<String, Error> {
        Ok(session.take_flashes()?.len().to_string())
    }
    let members = web::scope("/members").route("/", get().to(show)).wrap(from_fn(only_users));
    let app =
        App::new().service(members).route("/flashes", get().to(flashes)).wrap(sessions(signed()));
    let app = init_service(app).await;
    // The error reaches the server, which makes the response of it.
    let error = app.call(request("/members/", "").to_request()).await.err().unwrap();
    assert_eq!(error.to_string(), "no user");
    let response =
        ServiceResponse::new(TestRequest::default().to_http_request(), error.error_response());
    assert_eq!((response.status().as_u16(), lines(&response, VARY)), (401, vec!["Cookie"]));
    let cookie = cookie(&response);
    assert_eq!(read_body(response).await, "no user");
    let flashed = call_service(&app, request("/flashes", &cookie).to_request()).await;
    assert_eq!(read_body(flashed).await, "1");
}

#[tokio::test]
async fn sessions_within_sessions_keep_two_share_one_or_are_refused() {
    /// Asks for the session of the layer outside once the scope is done.
    async fn outer_count<B: MessageBody + 'static>(
        request: ServiceRequest,
        next: Next<B>,
    ) -> actix_web::Result<ServiceResponse<B>> {
        let response = next.call(request).await?;
        let session = Session::extract(response.request()).await?;
        session.insert("outer", 1).map_err(Error::from)?;
        Ok(response)
    }
    let outer = signed();
    let admin = SessionInterface::signed(&config().with_cookie_name("admin")).unwrap();
    let other = SessionInterface::signed(&config().with_path("/other")).unwrap();
    let scope =
        |path, interface| web::scope(path).route("", get().to(count)).wrap(sessions(interface));
    let app = App::new()
        .service(scope("/admin", admin))
        .service(scope("/same", outer.clone()))
        .service(scope("/other", other))
        .wrap(from_fn(outer_count))
        .wrap(sessions(outer));
    let app = init_service(app).await;
    let both = call_service(&app, request("/admin", "").to_request()).await;
    let names: Vec<_> =
        lines(&both, SET_COOKIE).iter().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!((names, lines(&both, VARY)), (vec!["admin", "session"], vec!["Cookie"]));

    let one = call_service(&app, request("/same", "").to_request()).await;
    let cookie = cookie(&one);
    let again = call_service(&app, request("/same", &cookie).to_request()).await;
    assert_eq!(read_body(again).await, "2");

    let error = app.call(request("/other", "").to_request()).await.err().unwrap();
    assert_eq!(error.error_response().status(), 500);
    assert!(error.to_string().contains("two session layers have the cookie name \"session\""));
}

#[tokio::test]
async fn two_lines_of_cookies_are_read_and_a_cookie_set_by_hand_gives_way() {
    async fn by_hand(session: Session) -> Result<HttpResponse, Error> {
        session.insert("count", 5)?;
        Ok(HttpResponse::Ok().append_header((SET_COOKIE, "session=by-hand")).finish())
    }
    let app = App::new()
        .route("/hand", get().to(by_hand))
        .route("/show", get().to(show))
        .wrap(sessions(signed()));
    let app = init_service(app).await;
    let cookie = cookie(&call_service(&app, request("/hand", "").to_request()).await);
    assert!(!cookie.contains("by-hand"));
    let request = TestRequest::get()
        .uri("/show")
        .append_header((COOKIE, "theme=dark"))
        .append_header((COOKIE, cookie))
        .to_request();
    assert_eq!(read_body(call_service(&app, request).await).await, "5");
}

/// A text that is too large for a cookie also when it is compressed.
fn incompressible() -> String {
    (1..1000_u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect()
}
