//! Log-in through the layers: who passes, who is sent where, and who comes back by a cookie.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    response::Redirect,
    routing::{get, post},
};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer,
    auth::{
        BoxError, CurrentUser, LogIn, LoginManager, LoginRejection, Owned, Permissions, Permitted,
        RememberSeries, SafeNext, User, UserLoader,
    },
    store::MemoryStore,
};
use http::{Request, Response, StatusCode, header};
use tower::ServiceExt;

use crate::app::{self, cookie, lines, sent_back, set_cookies, text, varies};

#[derive(Clone)]
struct Account(String);

impl User for Account {
    fn id(&self) -> String {
        self.0.clone()
    }
}

#[derive(Default)]
struct Edit;

impl Permissions<Edit> for Account {
    fn has(&self, _: &Edit) -> bool {
        self.0 == "editor"
    }
}

/// Everybody exists but `gone`, and the loader fails for `broken`.
#[derive(Clone, Default)]
struct Accounts(Arc<AtomicUsize>);

impl Accounts {
    fn n_loaded(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl UserLoader for Accounts {
    type User = Account;

    async fn load(&self, id: &str) -> std::result::Result<Option<Account>, BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if id == "broken" { Err("no database".into()) } else { Ok(user(id)) }
    }
}

fn user(id: &str) -> Option<Account> {
    (id != "gone").then(|| Account(id.into()))
}

async fn log_in(session: Session, next: SafeNext) -> Result<Redirect> {
    session.log_in_with("7", &LogIn::new().remembered())?;
    Ok(Redirect::to(&next.or("/")))
}

fn for_a_day() -> LogIn {
    LogIn::new().remembered_for(Duration::from_secs(86_400))
}

async fn me(user: CurrentUser<Account>) -> String {
    user.id()
}

async fn twice(user: Option<CurrentUser<Account>>, again: CurrentUser<Account>) -> String {
    format!("{} {}", user.unwrap().id(), again.id())
}

async fn maybe(user: Option<CurrentUser<Account>>, session: Session) -> String {
    format!("{:?} {}", user.map(|user| user.id()), session.is_fresh(None))
}

async fn require(user: CurrentUser<Account>) -> std::result::Result<(), LoginRejection> {
    user.require(&Edit)
}

fn routes() -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route(
            "/login_for_a_day",
            post(async |session: Session| session.log_in_with("7", &for_a_day())),
        )
        .route("/logout", post(async |session: Session| session.log_out()))
        .route("/set", get(async |session: Session| session.insert("a", 1)))
        .route("/none", get(async || "none"))
        .route("/me", get(me).post(me))
        .route("/twice", get(twice))
        .route("/maybe", get(maybe))
        .route("/users/{id}", get(async |user: Owned<Account>| user.id()))
        .route("/no_id", get(async |user: Owned<Account>| user.id()))
        .route("/edit", get(async |user: Permitted<Account, Edit>| user.into_user().0))
        .route("/require", get(require))
        .route(
            "/take",
            get(async |session: Session| {
                Ok::<_, hipflask::Error>(
                    session.take::<i32>("a").await?.map(|a| a.to_string()).unwrap_or_default(),
                )
            }),
        )
}

fn manager() -> LoginManager<Account> {
    LoginManager::new(Accounts::default())
}

fn site(manager: LoginManager<Account>) -> Router {
    routes().layer(manager).layer(app::layer(&app::config()))
}

fn remembering() -> Router {
    site(manager().with_flask_remember(&app::config()).unwrap())
}

fn of(user: &str) -> String {
    cookie(&format!(r#"{{"_fresh":true,"_user_id":"{user}"}}"#))
}

async fn post_to(app: &Router, path: &str, cookies: &[&str]) -> Response<Body> {
    let mut request = Request::post(path);
    for cookie in cookies {
        request = request.header(header::COOKIE, *cookie);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn location(response: &Response<Body>) -> &str {
    lines(response.headers(), header::LOCATION)[0]
}

/// The `name=value` of each cookie that a response sets.
fn jar(response: &Response<Body>) -> BTreeMap<String, String> {
    let pairs = set_cookies(response).into_iter().map(|line| line.split(';').next().unwrap());
    pairs.map(|pair| (pair.split('=').next().unwrap().into(), pair.into())).collect()
}

#[tokio::test]
async fn user_is_loaded_once_and_only_if_asked_for() {
    let accounts = Accounts::default();
    let app = site(LoginManager::new(accounts.clone()));
    let untouched = app::get(&app, "/none", &[&of("7")]).await;
    assert!(!varies(&untouched));
    assert_eq!(accounts.n_loaded(), 0);
    assert_eq!(text(app::get(&app, "/twice", &[&of("7")]).await).await, "7 7");
    assert_eq!(accounts.n_loaded(), 1);
    assert_eq!(text(app::get(&app, "/maybe", &[]).await).await, "None false");
    assert_eq!(accounts.n_loaded(), 0);
}

#[tokio::test]
async fn only_users_pass_a_guard() {
    let app = site(manager());
    let check = async |path: &str, cookie: &str, expected: (u16, &str)| {
        let response = app::get(&app, path, &[cookie]).await;
        let status = response.status().as_u16();
        assert_eq!((status, &*text(response).await), expected, "{path} {cookie}");
    };
    let refused = |json: &str| cookie(json);
    check("/me", &of("7"), (200, "7")).await;
    check("/me", &refused(r#"{"_user_id":7}"#), (200, "7")).await;
    for nobody in [
        "a=b".to_owned(),
        refused(r#"{"_fresh":true}"#),
        refused(r#"{"_user_id":null}"#),
        refused(r#"{"_user_id":["7"]}"#),
        cookie(r#"{"_user_id":"gone"}"#),
    ] {
        check("/me", &nobody, (401, "Unauthorized")).await;
        check("/users/7", &nobody, (401, "Unauthorized")).await;
        check("/edit", &nobody, (401, "Unauthorized")).await;
        check("/maybe", &nobody, (200, "None false")).await;
    }
    check("/me", &of("broken"), (500, "Internal Server Error")).await;
}

#[tokio::test]
async fn stranger_is_sent_to_the_log_in_and_back() {
    let inside = routes().layer(manager().login_view("/login"));
    let app = inside.clone().nest("/shop", inside).layer(app::layer(&app::config()));
    let response = app::get(&app, "/me?a=b&c=%20", &[]).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(location(&response), "/login?next=%2Fme%3Fa%3Db%26c%3D%2520");
    let flashed = r#"{"_flashes":[{" t":["message","Please log in to access this page."]}]}"#;
    assert_eq!(sent_back(&response), cookie(flashed));
    let back = post_to(&app, location(&response), &[]).await;
    assert_eq!(location(&back), "/me?a=b&c=%20");

    assert_eq!(location(&app::get(&app, "/shop/me", &[]).await), "/login?next=%2Fshop%2Fme");
    assert_eq!(location(&post_to(&app, "/me", &[]).await), "/login", "a form is not sent again");
    for evil in ["//evil.example", "/%5Cevil.example", "https%3A%2F%2Fevil.example", "%0A%2F"] {
        let response = post_to(&app, &format!("/login?next={evil}"), &[]).await;
        assert_eq!(location(&response), "/", "{evil}");
    }
    let silent = site(manager().login_view("/login?a=b").without_message());
    let response = app::get(&silent, "/me", &[]).await;
    assert_eq!(location(&response), "/login?a=b&next=%2Fme");
    assert!(set_cookies(&response).is_empty());
}

#[tokio::test]
async fn way_back_can_lie_in_the_session() {
    let app = site(manager().login_view("/login").without_message().with_next_in_session());
    let response = app::get(&app, "/me?a=b", &[]).await;
    assert_eq!(location(&response), "/login");
    let noted = sent_back(&response);
    assert_eq!(noted, cookie(r#"{"next":"/me?a=b"}"#)); // as Flask-Login notes it
    let back = post_to(&app, "/login", &[&noted]).await;
    assert_eq!(location(&back), "/me?a=b");
    assert_eq!(location(&post_to(&app, "/login", &[&sent_back(&back)]).await), "/", "used up");
    assert_eq!(location(&post_to(&app, "/login?next=%2Ftwice", &[&noted]).await), "/twice");
    for evil in [r#""//evil.example""#, "7", "null"] {
        let planted = cookie(&format!(r#"{{"next":{evil}}}"#));
        assert_eq!(location(&post_to(&app, "/login", &[&planted]).await), "/", "{evil}");
    }
    let form = post_to(&app, "/me", &[&noted]).await;
    assert_eq!(
        set_cookies(&form)[0].split(';').next(),
        Some("session="),
        "a form is not sent again"
    );
    let elsewhere = site(manager().login_view("/login"));
    assert_eq!(location(&post_to(&elsewhere, "/login", &[&noted]).await), "/");
}

#[tokio::test]
async fn function_loads_users_who_are_no_more_than_their_id() {
    let load = async |id: String| if id == "gone" { Ok(None) } else { Ok(Some(id)) };
    let app = Router::new()
        .route("/", get(async |CurrentUser(name): CurrentUser<String>| name))
        .layer(LoginManager::new(load))
        .layer(app::layer(&app::config()));
    assert_eq!(text(app::get(&app, "/", &[&of("ada")]).await).await, "ada");
    assert_eq!(app::get(&app, "/", &[&of("gone")]).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn owner_and_permission_decide() {
    for (manager, of_others) in [(manager(), 403), (manager().hiding_others(), 404)] {
        let app = site(manager);
        for (path, user, expected) in [
            ("/users/7", "7", 200),
            ("/users/a%7Cb", "a|b", 200),
            ("/users/07", "7", of_others),
            ("/users/8", "7", of_others),
            ("/no_id", "7", 500),
            ("/edit", "editor", 200),
            ("/edit", "7", 403),
            ("/require", "editor", 200),
            ("/require", "7", 403),
        ] {
            let status = app::get(&app, path, &[&of(user)]).await.status().as_u16();
            assert_eq!(status, expected, "{path} {user}");
        }
    }
}

#[tokio::test]
async fn guard_without_its_layers_says_what_to_do() {
    let no_manager = routes().layer(app::layer(&app::config()));
    let no_sessions = routes().layer(manager());
    for (app, missing) in [(no_manager, "LoginManager"), (no_sessions, "SessionLayer")] {
        let response = app::get(&app, "/me", &[]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let text = text(response).await;
        assert!(text.contains(missing), "{text}");
    }
}

#[tokio::test]
async fn planted_id_never_becomes_a_log_in() {
    let manager = manager().with_flask_remember(&app::config()).unwrap();
    let sessions = app::layer(&app::config()).with_store(MemoryStore::new());
    let app = routes().layer(manager).layer(sessions);
    let planted = sent_back(&app::get(&app, "/set", &[]).await);
    let logged_in = jar(&post_to(&app, "/login", &[&planted]).await);
    assert_ne!(logged_in["session"], planted);
    assert_eq!(app::get(&app, "/me", &[&planted]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(app::get(&app, "/me", &[&logged_in["session"]]).await).await, "7");

    // Nor does it when the browser of a remembered user has it.
    let planted = sent_back(&app::get(&app, "/set", &[]).await);
    let cookies = format!("{planted}; {}", logged_in["remember_token"]);
    let back = app::get(&app, "/maybe", &[&cookies]).await;
    let renewed = sent_back(&back);
    assert_eq!(text(back).await, r#"Some("7") false"#);
    assert_ne!(renewed, planted);
    assert_eq!(text(app::get(&app, "/maybe", &[&planted]).await).await, "None false");
    assert_eq!(text(app::get(&app, "/take", &[&renewed]).await).await, "", "it is not kept");
}

#[tokio::test]
async fn remembered_user_comes_back_not_fresh_until_log_out() {
    let app = remembering();
    let response = post_to(&app, "/login", &[]).await;
    let remembered = set_cookies(&response)
        .into_iter()
        .find(|line| line.starts_with("remember_token=7|"))
        .unwrap();
    assert!(remembered.ends_with("; Expires=Sat, 21 Nov 2026 02:40:00 GMT; HttpOnly; Path=/"));
    let remembered = jar(&response)["remember_token"].clone();

    let back = app::get(&app, "/maybe", &[&remembered]).await;
    let session = sent_back(&back);
    assert_eq!(session, cookie(r#"{"_fresh":false,"_user_id":"7"}"#));
    assert_eq!(text(back).await, r#"Some("7") false"#);

    let out = post_to(&app, "/logout", &[&session, &remembered]).await;
    assert_eq!(jar(&out).values().collect::<Vec<_>>(), ["remember_token=", "session="]);
}

#[tokio::test]
async fn remember_cookie_that_is_nobodys_changes_nothing() {
    let app = remembering();
    let value = |key: &str, id: &str| {
        let ring = hipflask_core::signing::KeyRing::new(key);
        let signer = hipflask::auth::RememberSigner::new(&ring).unwrap();
        format!("remember_token={}", signer.encode(id))
    };
    let altered = value(app::KEY, "7").replace("=7|", "=8|");
    for nobodys in [value("other", "7"), value(app::KEY, "gone"), altered, "remember_token=".into()]
    {
        let response = app::get(&app, "/maybe", &[&nobodys]).await;
        assert!(set_cookies(&response).is_empty(), "{nobodys}");
        assert_eq!(text(response).await, "None false");
    }
    let app = site(manager()); // which reads none
    let response = app::get(&app, "/maybe", &[&value(app::KEY, "7")]).await;
    assert_eq!(text(response).await, "None false");
    let rotated = SessionConfig::new(SecretKey::new("d2b0a5cf61e84973").with_fallback(app::KEY));
    let app = routes().layer(manager().with_flask_remember(&rotated).unwrap());
    let app = app.layer(app::layer(&rotated));
    let response = app::get(&app, "/maybe", &[&value(app::KEY, "7")]).await;
    assert_eq!(text(response).await, r#"Some("7") false"#, "a fallback key is believed");
}

/// A site whose remember cookies are of our own kind, at a time that the test sets.
struct Series {
    app: Router,
    series: RememberSeries,
    seconds: Arc<AtomicUsize>,
}

impl Series {
    fn new() -> Self {
        let store = MemoryStore::new();
        let series = RememberSeries::new(&app::config(), store.clone()).unwrap();
        let seconds = Arc::new(AtomicUsize::new(0));
        let since = Arc::clone(&seconds);
        let clock = move || {
            let since = u64::try_from(since.load(Ordering::Relaxed)).unwrap();
            app::NOW.checked_add(Duration::from_secs(since)).unwrap()
        };
        let sessions = SessionLayer::signed(&app::config()).unwrap().with_clock(clock);
        let manager = manager().with_remember(series.clone());
        Self { app: routes().layer(manager).layer(sessions.with_store(store)), series, seconds }
    }

    async fn log_in(&self) -> BTreeMap<String, String> {
        jar(&post_to(&self.app, "/login", &[]).await)
    }

    /// Comes back with nothing but this cookie: who that is, and the cookie that replaces it.
    async fn back(&self, cookie: &str) -> (String, Option<String>) {
        let response = app::get(&self.app, "/maybe", &[cookie]).await;
        let next = jar(&response).remove("hipflask_remember");
        (text(response).await, next)
    }

    fn wait(&self) {
        self.seconds.fetch_add(61, Ordering::Relaxed);
    }
}

const BACK: &str = r#"Some("7") false"#;
const NOBODY: &str = "None false";
const FORGOTTEN: &str = "hipflask_remember=";

#[tokio::test]
async fn series_changes_with_each_return() {
    let site = Series::new();
    let first = site.log_in().await["hipflask_remember"].clone();
    let (who, second) = site.back(&first).await;
    let second = second.unwrap();
    assert_eq!(who, BACK);
    assert_ne!(first, second);
    assert_eq!(site.back(&first).await, (BACK.into(), None), "sent at the same time");
    site.wait();
    assert_eq!(site.back(&second).await.0, BACK);
}

#[tokio::test]
async fn series_keeps_the_life_that_the_log_in_has_given_it() {
    let site = Series::new();
    let response = post_to(&site.app, "/login_for_a_day", &[]).await;
    let ends = |response: &Response<Body>| {
        let line = set_cookies(response).into_iter().find(|it| it.starts_with("hipflask_remember"));
        line.unwrap().split("; ").find(|it| it.starts_with("Expires")).unwrap().to_owned()
    };
    assert_eq!(ends(&response), "Expires=Sat, 22 Nov 2025 02:40:00 GMT");
    site.wait();
    let back = app::get(&site.app, "/maybe", &[&jar(&response)["hipflask_remember"]]).await;
    assert_eq!(ends(&back), "Expires=Sat, 22 Nov 2025 02:41:01 GMT", "a day from the last return");
}

#[tokio::test]
async fn stolen_series_ends_for_both() {
    let site = Series::new();
    let copied = site.log_in().await["hipflask_remember"].clone();
    let current = site.back(&copied).await.1.unwrap(); // the thief's, or the user's
    site.wait();
    assert_eq!(site.back(&copied).await, (NOBODY.into(), Some(FORGOTTEN.into())));
    assert_eq!(site.back(&current).await, (NOBODY.into(), Some(FORGOTTEN.into())));
}

#[tokio::test]
async fn series_ends_with_the_log_out() {
    let site = Series::new();
    let cookies = site.log_in().await;
    let remembered = &cookies["hipflask_remember"];
    let out = post_to(&site.app, "/logout", &[&cookies["session"], remembered]).await;
    assert_eq!(jar(&out)["hipflask_remember"], FORGOTTEN);
    assert_eq!(site.back(remembered).await, (NOBODY.into(), Some(FORGOTTEN.into())));
    for invented in [remembered.replace('.', "-"), "hipflask_remember=x".into()] {
        assert_eq!(site.back(&invented).await.0, NOBODY);
    }
}

#[tokio::test]
async fn all_series_of_a_user_end_but_the_next() {
    let site = Series::new();
    let one = site.log_in().await["hipflask_remember"].clone();
    let other = site.log_in().await["hipflask_remember"].clone();
    site.series.revoke_user("8", app::NOW).await.unwrap();
    let (who, one) = site.back(&one).await;
    assert_eq!(who, BACK, "another user's");
    site.series.revoke_user("7", app::NOW).await.unwrap();
    site.series.revoke_user("7", app::NOW).await.unwrap();
    for cookie in [one.unwrap(), other] {
        assert_eq!(site.back(&cookie).await, (NOBODY.into(), Some(FORGOTTEN.into())));
    }
    site.wait();
    let next = site.log_in().await["hipflask_remember"].clone();
    assert_eq!(site.back(&next).await.0, BACK, "a log-in after the end of all");
}

#[tokio::test]
async fn log_out_clears_site_data_where_asked() {
    for (manager, expected) in
        [(manager(), vec![]), (manager().clearing_site_data(), vec![r#""cache", "storage""#])]
    {
        let app = site(manager);
        let name = || header::HeaderName::from_static("clear-site-data");
        let out = post_to(&app, "/logout", &[&of("7")]).await;
        assert_eq!(lines(out.headers(), name()), expected);
        assert!(lines(app::get(&app, "/me", &[&of("7")]).await.headers(), name()).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_requests_takes_a_value() {
    let app = routes().layer(app::layer(&app::config()).with_store(MemoryStore::new()));
    let session = sent_back(&app::get(&app, "/set", &[]).await);
    let takers = (0..20).map(|_| {
        let (app, session) = (app.clone(), session.clone());
        tokio::spawn(async move {
            let response = app::get(&app, "/take", &[&session]).await;
            assert_eq!(response.status(), StatusCode::OK);
            text(response).await
        })
    });
    let mut taken = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.push(taker.await.unwrap());
    }
    assert_eq!(taken.iter().filter(|it| *it == "1").count(), 1, "{taken:?}");
    assert_eq!(text(app::get(&app, "/take", &[&session]).await).await, "");
}

#[tokio::test]
async fn signed_cookie_gives_a_value_once_to_each_who_has_a_copy() {
    let app = routes().layer(app::layer(&app::config()));
    let session = sent_back(&app::get(&app, "/set", &[]).await);
    let first = app::get(&app, "/take", &[&session]).await;
    let after = sent_back(&first);
    assert_eq!(text(first).await, "1");
    assert_eq!(text(app::get(&app, "/take", &[&after]).await).await, "");
    assert_eq!(text(app::get(&app, "/take", &[&session]).await).await, "1", "as documented");
}

#[tokio::test]
async fn log_in_has_its_time() {
    let layer = app::layer(&app::config());
    let page = async |session: Session| {
        session.log_in(7).unwrap();
        let minute = Duration::from_secs(60);
        format!(
            "{:?} {} {:?}",
            session.user_id(),
            session.is_fresh(minute),
            session.authenticated_at()
        )
    };
    let app = Router::new().route("/", get(page)).layer(layer);
    let expected = format!("Some(\"7\") true {:?}", Some(app::NOW));
    assert_eq!(text(app::get(&app, "/", &[]).await).await, expected);
}
