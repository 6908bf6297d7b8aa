//! The contenders: `/` does not ask for the session, `/read` shows a number, `/write` counts it.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{Router, extract::Path, routing::get};
use serde_json::{Map, Value};

use crate::Anything;

/// What `/fill/NAME` puts into the session.
fn workload(name: &str) -> Map<String, Value> {
    let all: Value = serde_json::from_str(include_str!("workloads.json")).unwrap_or_default();
    all[name].as_object().cloned().unwrap_or_default()
}

pub(crate) const CONTENDERS: [&str; 6] =
    ["hipflask", "tower-sessions", "axum_session", "axess", "actix-session", "flask"];

/// A handler that asks Redis itself, by the client crate that Hipflask uses, and writes blindly: the least that
/// a session there can cost.
pub(crate) const BY_HAND: &str = "by hand";

/// Serves one of the Rust contenders on a free port, which it prints.
pub(crate) fn serve(server: &str, redis: &str) -> Anything<()> {
    if server == "actix-session" {
        return actix(redis);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = match server {
            "hipflask" => hipflask_app(redis).await?,
            "tower-sessions" => tower_app(redis).await?,
            "axum_session" => axum_session_app(redis).await?,
            BY_HAND => by_hand_app(redis).await?,
            #[cfg(feature = "axess")]
            "axess" => axess_app(redis).await?,
            _ => return Err("unknown contender".into()),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        Ok(axum::serve(listener, app).await?)
    })
}

async fn hipflask_app(redis: &str) -> Anything<Router> {
    use hipflask::{SecretKey, Session, SessionLayer, store::RedisStore};

    async fn read(session: Session) -> hipflask::Result<String> {
        Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
    }
    async fn write(session: Session) -> hipflask::Result<String> {
        let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
        session.insert("count", count)?;
        Ok(count.to_string())
    }

    async fn fill(session: Session, Path(name): Path<String>) -> hipflask::Result<()> {
        for (key, value) in workload(&name) {
            session.insert(key, value)?;
        }
        Ok(())
    }

    let sessions = SessionLayer::new(SecretKey::random()?)?;
    let sessions = sessions.with_store(RedisStore::connect(redis).await?);
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/fill/{name}", get(fill))
        .layer(sessions))
}

async fn by_hand_app(redis: &str) -> Anything<Router> {
    use axum::{
        extract::State,
        http::{HeaderMap, header::SET_COOKIE},
    };
    use redis::{AsyncCommands, RedisResult, aio::MultiplexedConnection};

    static NEXT: AtomicU64 = AtomicU64::new(1);
    fn id(headers: &HeaderMap) -> Option<&str> {
        headers.get("cookie")?.to_str().ok()?.strip_prefix("session=")
    }
    async fn load(connection: &mut MultiplexedConnection, id: &str) -> Result<u64, String> {
        let found: RedisResult<Option<Vec<u8>>> = connection.get(format!("session:{id}")).await;
        let found = found.map_err(|error| error.to_string())?.unwrap_or_default();
        let content: Map<String, Value> = serde_json::from_slice(&found).unwrap_or_default();
        Ok(content.get("count").and_then(Value::as_u64).unwrap_or(0))
    }
    async fn read(
        State(mut connection): State<MultiplexedConnection>,
        headers: HeaderMap,
    ) -> Result<String, String> {
        let Some(id) = id(&headers) else { return Ok("0".into()) };
        Ok(load(&mut connection, id).await?.to_string())
    }
    async fn write(
        State(mut connection): State<MultiplexedConnection>,
        headers: HeaderMap,
    ) -> Result<([(axum::http::HeaderName, String); 1], String), String> {
        // Who has none gets one that is as long as others.
        let next = || format!("{:043}", NEXT.fetch_add(1, Ordering::Relaxed));
        let id = id(&headers).map_or_else(next, str::to_owned);
        let count = load(&mut connection, &id).await? + 1;
        let content = serde_json::to_vec(&Map::from_iter([("count".to_owned(), count.into())]));
        let content = content.map_err(|error| error.to_string())?;
        let key = format!("session:{id}");
        let saved: RedisResult<()> = connection.set_ex(key, content, 31 * 24 * 3600).await;
        saved.map_err(|error| error.to_string())?;
        let cookie = format!("session={id}; HttpOnly; Path=/");
        Ok(([(SET_COOKIE, cookie)], count.to_string()))
    }

    let connection = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .with_state(connection))
}

async fn tower_app(redis: &str) -> Anything<Router> {
    use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time::Duration};
    use tower_sessions_redis_store::{RedisStore, fred::prelude::*};

    async fn read(session: Session) -> Result<String, String> {
        let count: Option<u64> = session.get("count").await.map_err(|error| error.to_string())?;
        Ok(count.unwrap_or(0).to_string())
    }
    async fn write(session: Session) -> Result<String, String> {
        let count: Option<u64> = session.get("count").await.map_err(|error| error.to_string())?;
        let count = count.unwrap_or(0) + 1;
        session.insert("count", count).await.map_err(|error| error.to_string())?;
        Ok(count.to_string())
    }

    async fn fill(session: Session, Path(name): Path<String>) -> Result<(), String> {
        for (key, value) in workload(&name) {
            session.insert(&key, value).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    let pool = Pool::new(Config::from_url(redis)?, None, None, None, 4)?;
    pool.connect();
    pool.wait_for_connect().await?;
    let sessions = SessionManagerLayer::new(RedisStore::new(pool))
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(31)));
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/fill/{name}", get(fill))
        .layer(sessions))
}

async fn axum_session_app(redis: &str) -> Anything<Router> {
    use axum_session::{Session, SessionConfig, SessionLayer, SessionStore};
    use axum_session_redispool::SessionRedisPool;
    use tower_sessions::cookie::time::Duration;

    type Stored = Session<SessionRedisPool>;
    async fn read(session: Stored) -> String {
        session.get::<u64>("count").unwrap_or(0).to_string()
    }
    async fn write(session: Stored) -> String {
        let count = session.get::<u64>("count").unwrap_or(0) + 1;
        session.set("count", count);
        count.to_string()
    }
    async fn fill(session: Stored, Path(name): Path<String>) {
        for (key, value) in workload(&name) {
            session.set(&key, value);
        }
    }

    // By default a process keeps sessions for an hour, and sees nothing of what others write.
    let config = SessionConfig::default()
        .with_memory_lifetime(Duration::ZERO)
        .with_lifetime(Duration::days(31));
    let pool = redis_pool::RedisPool::from(redis::Client::open(redis)?);
    let store = SessionStore::<SessionRedisPool>::new(Some(pool.into()), config).await?;
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/fill/{name}", get(fill))
        .layer(SessionLayer::new(store)))
}

#[cfg(feature = "axess")]
async fn axess_app(redis: &str) -> Anything<Router> {
    use axess::{AuthSession, SessionLayer, backends::valkey::SessionStore};
    use tower_sessions_redis_store::fred::prelude::*;

    async fn count(session: &AuthSession) -> u64 {
        session.get_custom("count").await.and_then(|count| count.as_u64()).unwrap_or(0)
    }
    async fn read(session: AuthSession) -> String {
        count(&session).await.to_string()
    }
    async fn write(session: AuthSession) -> String {
        let count = count(&session).await + 1;
        session.set_custom("count", count.into()).await;
        count.to_string()
    }
    async fn fill(session: AuthSession, Path(name): Path<String>) {
        for (key, value) in workload(&name) {
            session.set_custom(key, value).await;
        }
    }

    let client = Client::new(Config::from_url(redis)?, None, None, None);
    client.init().await?;
    let key = std::array::from_fn(|at| at as u8);
    let sessions = SessionLayer::new(SessionStore::plaintext(client), key)
        .with_secure(false)
        .with_ttl(std::time::Duration::from_secs(31 * 24 * 60 * 60));
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/fill/{name}", get(fill))
        .layer(sessions))
}

fn actix(redis: &str) -> Anything<()> {
    use actix_session::{
        Session, SessionMiddleware, config::PersistentSession, storage::RedisSessionStore,
    };
    use actix_web::{
        App, HttpServer,
        cookie::{Key, time::Duration},
        web,
    };

    async fn read(session: Session) -> actix_web::Result<String> {
        Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
    }
    async fn write(session: Session) -> actix_web::Result<String> {
        let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
        session.insert("count", count)?;
        Ok(count.to_string())
    }

    async fn fill(session: Session, name: web::Path<String>) -> actix_web::Result<String> {
        for (key, value) in workload(&name) {
            session.insert(key, value)?;
        }
        Ok(String::new())
    }

    actix_web::rt::System::new().block_on(async {
        let store = RedisSessionStore::new(redis).await.map_err(|error| error.to_string())?;
        let key = Key::from(&[7; 64]);
        let server = HttpServer::new(move || {
            let lifecycle = PersistentSession::default().session_ttl(Duration::days(31));
            let sessions = SessionMiddleware::builder(store.clone(), key.clone())
                .cookie_secure(false)
                .session_lifecycle(lifecycle)
                .build();
            App::new()
                .wrap(sessions)
                .route("/", web::get().to(async || "hello"))
                .route("/read", web::get().to(read))
                .route("/write", web::get().to(write))
                .route("/fill/{name}", web::get().to(fill))
        });
        let server = server.workers(1).bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        Ok(server.run().await?)
    })
}
