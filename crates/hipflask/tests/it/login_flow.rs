//! The recorded flows of a real app with Flask-Login, taken by an app with a `LoginManager`.

use std::{collections::BTreeMap, path::Path, time::Duration};

use axum::{Router, body::Body, routing::get};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer,
    auth::{
        BoxError, CurrentUser, LogIn, LoginManager, Protection, RememberCookie, RememberSigner,
        User, UserLoader,
    },
    testing::TestClient,
};
use hipflask_core::{
    auth::{IDENTIFIER, REMEMBER_SECONDS, USER_ID},
    cookie::{Attributes, SameSite},
    session::AUTHENTICATED,
    signing::KeyRing,
};
use http::{Request, StatusCode, Uri, header};
use serde_json::{Value as Json, json};

use crate::app::{self, lines};

#[derive(Clone)]
struct Account(String);

impl User for Account {
    fn id(&self) -> String {
        self.0.clone()
    }
}

struct Accounts;

impl UserLoader for Accounts {
    type User = Account;

    async fn load(&self, id: &str) -> std::result::Result<Option<Account>, BoxError> {
        Ok((id != "gone").then(|| Account(id.into())))
    }
}

async fn log_in(session: Session, uri: Uri) -> Result<()> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked: BTreeMap<_, _> = pairs.collect();
    let mut how = LogIn::new().with_fresh(!asked.contains_key("stale"));
    if asked.contains_key("r") {
        how = how.remembered();
    }
    if let Some(seconds) = asked.get("d") {
        how = how.remembered_for(Duration::from_secs_f64(seconds.parse().unwrap()));
    }
    session.log_in_with(*asked.get("u").unwrap_or(&"1"), &how)
}

async fn me(user: Option<CurrentUser<Account>>) -> String {
    user.map_or("False".into(), |user| format!("'{}'", user.id()))
}

async fn fresh(_: CurrentUser<Account>, session: Session) -> StatusCode {
    if session.is_fresh(None) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

fn site(row: &Json) -> Router {
    let signer = RememberSigner::new(&KeyRing::new("k")).unwrap();
    let mut remember = RememberCookie::new(signer);
    if let Some(name) = row["config"]["REMEMBER_COOKIE_NAME"].as_str() {
        let attributes = Attributes::new().with_http_only(false).with_secure(true);
        remember = remember
            .with_name(name)
            .with_duration(Duration::from_secs(10))
            .with_attributes(attributes.with_same_site(SameSite::Lax));
    }
    let is_on = |name: &str| row["config"][name].as_bool() == Some(true);
    remember = remember.with_refresh_each_request(is_on("REMEMBER_COOKIE_REFRESH_EACH_REQUEST"));
    let mut manager =
        LoginManager::new(Accounts).login_view("/login").with_flask_remember_cookie(remember);
    if is_on("USE_SESSION_FOR_NEXT") {
        manager = manager.with_next_in_session();
    }
    if let Some(protection) = row["protection"].as_str() {
        let protection = if protection == "basic" { Protection::Basic } else { Protection::Strong };
        manager = manager.with_protection(protection, |_, _| Some("127.0.0.1".into()));
    }
    Router::new()
        .route("/in", get(log_in))
        .route("/me", get(me))
        .route("/out", get(async |session: Session| session.log_out()))
        .route("/need", get(async |_: CurrentUser<Account>| ""))
        .route("/fresh", get(fresh))
        .route("/confirm", get(async |session: Session| session.confirm_login()))
        .route("/plain", get(async || ""))
        .route("/set", get(async |session: Session| session.insert("x", 1)))
        .route("/perm", get(async |session: Session| session.set_permanent(true)))
        .layer(manager)
}

/// Takes the steps as a browser, and returns what it has met.
async fn follow(row: &Json) -> Vec<Json> {
    let config = SessionConfig::new(SecretKey::new("k").insecure_accept_weak());
    let sessions = SessionLayer::signed(&config).unwrap().with_clock(|| app::NOW);
    let mut browser = TestClient::new(site(row).layer(sessions.clone()), &sessions);
    let mut met = Vec::new();
    for step in row["steps"].as_array().unwrap() {
        let request = Request::get(step["path"].as_str().unwrap())
            .header(header::USER_AGENT, step["user_agent"].as_str().unwrap());
        let response = browser.send(request.body(Body::empty()).unwrap()).await;
        let cookies = lines(response.headers(), header::SET_COOKIE).into_iter();
        let remembered: Vec<_> = cookies
            .filter(|it| !it.starts_with("session="))
            .map(without_attributes_of_deletion)
            .collect();
        let status = response.status().as_u16();
        let location = lines(response.headers(), header::LOCATION).first().copied();
        let body = (status == 200).then_some(response.body());
        let session = browser.clone().session_transaction(|session| session.extract()).await;
        let mut session: serde_json::Map<String, Json> = session.unwrap();
        session.remove(AUTHENTICATED);
        met.push(json!({"status": status, "location": location, "body": body,
            "remembered": remembered, "session": session}));
    }
    met
}

/// DIFFERENCE: Flask-Login's deletion has only `Domain` and `Path`.
fn without_attributes_of_deletion(line: &str) -> String {
    line.split_inclusive("; Max-Age=0").next().unwrap().to_owned()
}

fn recorded(row: &Json) -> Vec<Json> {
    let step = |step: &Json| {
        let cookies = step["set_cookie"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
        let remembered: Vec<_> = cookies
            .filter(|it| !it.starts_with("session="))
            .map(without_attributes_of_deletion)
            .collect();
        let mut session = plain(&step["session_after"]);
        let content = session.as_object_mut().unwrap();
        if row["config"]["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"].is_null() {
            // DIFFERENCE: Flask-Login leaves it for ever, although nothing reads it again.
            content.remove(REMEMBER_SECONDS);
        }
        if row["protection"].is_null() || !content.contains_key(USER_ID) {
            content.remove(IDENTIFIER); // DIFFERENCE: here only where somebody looks at it
        }
        json!({"status": step["status"], "location": step["location"], "body": step["body"],
            "remembered": remembered, "session": session})
    };
    row["steps"].as_array().unwrap().iter().map(step).collect()
}

fn plain(described: &Json) -> Json {
    let content = &described["v"];
    let items = || content.as_array().unwrap();
    match described["t"].as_str().unwrap() {
        "dict" => {
            let key = |pair: &Json| pair[0]["v"].as_str().unwrap().to_owned();
            Json::Object(items().iter().map(|pair| (key(pair), plain(&pair[1]))).collect())
        }
        "list" | "tuple" => items().iter().map(plain).collect(),
        "int" => {
            content.as_str().map_or(content.clone(), |digits| digits.parse::<i64>().unwrap().into())
        }
        "float" => content.as_str().unwrap().parse::<f64>().unwrap().into(),
        _ => content.clone(),
    }
}

/// Why a flow goes another way here, if it does.
fn difference(row: &Json) -> Option<&'static str> {
    let protection = row["protection"].as_str();
    let refreshes = !row["config"]["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"].is_null();
    match paths(row)[..] {
        ["/set", "/me"] if protection.is_some() => Some("nobody is logged in: nothing to protect"),
        ["/need", "/in"] => Some("log-in keeps nothing of the anonymous visitor that is not named"),
        [first, ..] if refreshes && first.starts_with("/in") && !first.contains("r=1") => {
            Some("who has not asked to be remembered is not")
        }
        ["/in", .., "/confirm", _, _] if protection == Some("strong") => {
            Some("nobody is logged in: nothing to confirm, and no remember cookie to delete")
        }
        _ => None,
    }
}

fn paths(row: &Json) -> Vec<&str> {
    row["steps"].as_array().unwrap().iter().map(|step| step["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn flows_are_flask_logins() {
    let file = "../hipflask-core/tests/vectors/extensions.jsonl";
    let rows = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (mut n_same, mut n_different) = (0, 0);
    for row in rows.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()) {
        if row["kind"] != "login_flow" {
            continue; // the core's extensions.rs says who has each kind
        }
        let config = &row["config"];
        let (met, recorded) = (follow(&row).await, recorded(&row));
        match difference(&row) {
            None => {
                assert_eq!(met, recorded, "{} {config} {:?}", row["protection"], paths(&row));
                n_same += 1;
            }
            Some(reason) => {
                assert_ne!(met, recorded, "no difference after all: {reason}");
                n_different += 1;
            }
        }
    }
    assert_eq!((n_same, n_different), (101, 25));
}
