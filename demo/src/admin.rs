//! What operators see, on an address of its own: health, and the metrics of the product.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

/// The upper bounds of times, in seconds.
const BOUNDS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 1.0];
/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4";
/// How often measured times are sorted into buckets, scraped or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// An address that is listened on, and what has been counted since.
pub(crate) struct Admin {
    listener: TcpListener,
    metrics: PrometheusHandle,
}

impl Admin {
    /// Listens, and begins to count.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let failed = |error| io::Error::other(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).map_err(io::Error::other)?;
        let metrics = builder.install_recorder().map_err(io::Error::other)?;
        eprintln!("Health and metrics are on http://{}", listener.local_addr()?);
        Ok(Self { listener, metrics })
    }
}

/// Answers, if there is an address, until the listener breaks.
pub(crate) async fn serve(admin: Option<Admin>) -> io::Result<()> {
    let Some(Admin { listener, metrics }) = admin else { return pending().await };
    let shown = metrics.clone();
    let show = move || std::future::ready(([(CONTENT_TYPE, FORMAT)], shown.render()));
    let routes = Router::new().route("/healthz", get(async || "ok\n")).route("/metrics", get(show));
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    };
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => served,
        never = upkeep => never,
    }
}
