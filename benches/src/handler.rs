//! The handlers that the binaries have in common.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::AppendHeaders,
};
use hipflask::Session;

/// Answers with the count of the session.
///
/// # Errors
///
/// When the count is no number.
pub async fn read(session: Session) -> hipflask::Result<String> {
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}

/// Counts one further in the session.
///
/// # Errors
///
/// When the count is no number.
pub async fn write(session: Session) -> hipflask::Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

/// Returns what a response that sets a session cookie carries.
pub fn write_headers() -> AppendHeaders<[(HeaderName, HeaderValue); 3]> {
    let cookie = "session=eyJjb3VudCI6MX0.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw; HttpOnly; Path=/";
    AppendHeaders([
        (header::VARY, HeaderValue::from_static("Cookie")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private")),
        (header::SET_COOKIE, HeaderValue::from_static(cookie)),
    ])
}
