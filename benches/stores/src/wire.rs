//! Passes connections on to a server of this machine and counts the bytes of both directions, without what TCP adds.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::Anything;

#[derive(Default)]
pub(crate) struct Wire {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Wire {
    /// Starts to listen, and returns the port.
    pub(crate) async fn to(server: u16) -> Anything<(Arc<Self>, u16)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (wire, port) = (Arc::new(Self::default()), listener.local_addr()?.port());
        let passing = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let (up, down) = (Arc::clone(&passing), Arc::clone(&passing));
                tokio::spawn(async move { pass(from_client, to_server, &up.sent).await });
                tokio::spawn(async move { pass(from_server, to_client, &down.received).await });
            }
        });
        Ok((wire, port))
    }

    /// Returns the bytes that went to the server, and those that came from it.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, n_bytes: &AtomicU64) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        n_bytes.fetch_add(len as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
