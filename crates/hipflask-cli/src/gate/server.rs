//! Listens: hands requests to whoever answers them, and stops when the process is told to.

use std::{convert::Infallible, future::Future, io, net::IpAddr, pin::pin, time::Duration};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::fastcgi;

/// How long a connection may be silent; the proxies' own limits are shorter.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a web server may take for a request, and to read the answer. Apache gives up after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long answers may take once the process was told to stop.
const LAST: Duration = Duration::from_secs(10);

/// Answers until the process is told to stop, and ends what is under way.
pub(super) async fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
) -> io::Result<()>
where
    F: Future<Output = Response<String>> + Send + 'static,
{
    let mut stop = pin!(stop()?);
    let open = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Too many are open: others close.
                Err(_) => { sleep(Duration::from_millis(50)).await; continue }
            },
        };
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answering = answer(request, peer.ip());
            async { Ok::<_, Infallible>(answering.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SILENCE)
            .serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection);
        tokio::spawn(async { drop(connection.await) });
    }
    drop(listener);
    let _ = timeout(LAST, open.shutdown()).await;
    Ok(())
}

/// Does the same for web servers that ask by FastCGI.
pub(super) async fn serve_fastcgi<F>(
    listener: TcpListener,
    answer: impl Fn(Request<()>) -> F + Clone + Send + 'static,
) -> io::Result<()>
where
    F: Future<Output = Response<String>> + Send + 'static,
{
    let (mut stop, mut open) = (pin!(stop()?), JoinSet::new());
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => { sleep(Duration::from_millis(50)).await; continue }
            },
        };
        open.spawn(converse(stream, answer.clone()));
    }
    drop(listener);
    let _ = timeout(LAST, async { while open.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Answers one request; the connection ends with it.
async fn converse<F: Future<Output = Response<String>>>(
    mut stream: TcpStream,
    answer: impl Fn(Request<()>) -> F,
) -> io::Result<()> {
    let asked = timeout(PATIENCE, fastcgi::read(&mut stream)).await??;
    let text = fastcgi::answer(&answer(asked.request).await, asked.id);
    timeout(PATIENCE, stream.write_all(&text)).await??;
    stream.shutdown().await
}

/// Ends when the process is told to stop.
#[cfg(unix)]
fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
