//! One connection to one server: a command out, its answer in, in Memcached's meta protocol.
//!
//! Knows the wire and nothing of sessions. After any error a connection must be thrown away: what
//! it would read next could be the answer to somebody else.

use std::{fmt::Write as _, io, mem::MaybeUninit, str::SplitAsciiWhitespace};

use socket2::SockRef;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::StoreError;

/// No line of the protocol is longer; also a bound for `stats settings`.
const MAX_LINE: u64 = 8 * 1024;

/// What an item holds beside its value: the longest key, the server's header, a version, and three
/// bytes of ends.
const OVERHEAD: usize = 250 + 59;

/// What to ask a server about one key.
#[derive(Clone, Copy)]
pub(super) enum Command<'a> {
    /// Writes a value where there is none.
    Add { value: &'a [u8], expires: u64 },
    /// Removes a value.
    Delete,
    /// Reads a value and what is known of it.
    Get,
    /// Writes a value in the place of the one with the version `cas`.
    Swap { value: &'a [u8], flags: u32, expires: u64, cas: u64 },
}

/// What a server has answered.
pub(super) enum Reply {
    /// It is done; after a write, this is the value's version.
    Done(u64),
    /// Another value is there.
    Exists,
    /// There is no value.
    Missing,
    /// The value.
    Value(Item),
}

/// A value and what the server knows of it.
#[derive(Default)]
pub(super) struct Item {
    pub(super) value: Vec<u8>,
    pub(super) flags: u32,
    pub(super) cas: u64,
    /// In how many seconds it expires; `None` is never.
    pub(super) expires_in: Option<u64>,
}

/// Why a connection is of no more use. No text of the server is kept: it could repeat a key.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("memcached runs without compare-and-swap: start it without the option -C")]
    NoCas,
    #[error("memcached could not do it: it may be out of memory")]
    OutOfOrder,
    #[error("this is not memcached 1.6 or newer, or it wants a login, which is not supported")]
    Protocol,
    #[error("memcached did not answer in time")]
    Timeout,
    /// Nothing was asked.
    #[error("{0}")]
    Unconnected(Box<Self>),
    #[error("the value is too large")]
    TooLarge { size: usize, limit: usize },
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLarge { size, limit } => Self::TooLarge { size, limit },
            Fault::NoCas | Fault::Protocol => Self::refused(fault),
            Fault::Io(_) | Fault::OutOfOrder | Fault::Timeout => Self::unavailable(fault),
            Fault::Unconnected(fault) => match Self::from(*fault) {
                Self::Unavailable(source) => Self::Unreachable(source),
                error => error,
            },
        }
    }
}

/// A connection between two commands.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    item_size_max: usize,
}

impl Connection {
    /// Connects, and asks for the settings that matter.
    pub(super) async fn open(host: &str, port: u16) -> Result<Self, Fault> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream: BufReader::new(stream), item_size_max: 0 };
        connection.read_settings().await?;
        Ok(connection)
    }

    async fn read_settings(&mut self) -> Result<(), Fault> {
        self.stream.write_all(b"stats settings\r\n").await?;
        loop {
            let line = self.line().await?;
            let mut words = line.split_ascii_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("END"), ..) if self.item_size_max > 0 => return Ok(()),
                (Some("STAT"), Some("cas_enabled"), Some("no")) => return Err(Fault::NoCas),
                (Some("STAT"), Some("item_size_max"), value) => {
                    self.item_size_max = number(value)?;
                }
                (Some("STAT"), ..) => {}
                _ => return Err(Fault::Protocol),
            }
        }
    }

    /// Reports whether the server is still there, as far as is known without asking it. The system
    /// is asked: a runtime that rests, such as Python's between two requests, notices nothing.
    pub(super) fn is_open(&self) -> bool {
        let unread = SockRef::from(self.stream.get_ref()).peek(&mut [MaybeUninit::uninit()]);
        self.stream.buffer().is_empty()
            && unread.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a command and reads its answer.
    pub(super) async fn call(&mut self, key: &str, command: Command<'_>) -> Result<Reply, Fault> {
        let limit = self.item_size_max.saturating_sub(OVERHEAD);
        let size = command.value().map_or(0, <[u8]>::len);
        if size > limit {
            return Err(Fault::TooLarge { size, limit });
        }
        self.stream.write_all(&command.encode(key)).await?;
        let line = self.line().await?;
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("HD") => Ok(Reply::Done(item(words)?.cas)),
            Some("EX" | "NS") => Ok(Reply::Exists),
            Some("EN" | "NF") => Ok(Reply::Missing),
            Some("VA") => {
                let size = number(words.next())?;
                let value = self.value(size).await?;
                Ok(Reply::Value(Item { value, ..item(words)? }))
            }
            Some("SERVER_ERROR") if line.contains("too large") => {
                Err(Fault::TooLarge { size, limit })
            }
            Some("SERVER_ERROR") => Err(Fault::OutOfOrder),
            _ => Err(Fault::Protocol),
        }
    }

    async fn line(&mut self) -> Result<String, Fault> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let line = String::from_utf8(line).map_err(|_| Fault::Protocol)?;
        line.ends_with("\r\n").then_some(line).ok_or(Fault::Protocol)
    }

    async fn value(&mut self, size: usize) -> Result<Vec<u8>, Fault> {
        if size > self.item_size_max {
            return Err(Fault::Protocol);
        }
        let mut value = vec![0; size + 2];
        self.stream.read_exact(&mut value).await?;
        if value.split_off(size) != b"\r\n" {
            return Err(Fault::Protocol);
        }
        Ok(value)
    }
}

impl<'a> Command<'a> {
    const fn value(&self) -> Option<&'a [u8]> {
        match self {
            Self::Add { value, .. } | Self::Swap { value, .. } => Some(value),
            Self::Delete | Self::Get => None,
        }
    }

    /// Writes it as one piece, so that it leaves in one packet where it can.
    fn encode(&self, key: &str) -> Vec<u8> {
        let mut head = String::with_capacity(key.len() + 64);
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Get => write!(head, "mg {key} v c f t"),
            Self::Delete => write!(head, "md {key}"),
            Self::Add { value, expires } => {
                write!(head, "ms {key} {} ME T{expires} c", value.len())
            }
            Self::Swap { value, flags, expires, cas } => {
                write!(head, "ms {key} {} C{cas} F{flags} T{expires} c", value.len())
            }
        };
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        if let Some(value) = self.value() {
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }
}

/// Reads the flags that were asked for: a letter and its token each.
fn item(words: SplitAsciiWhitespace<'_>) -> Result<Item, Fault> {
    let mut item = Item::default();
    for word in words {
        match word.split_at_checked(1) {
            Some(("c", token)) => item.cas = number(Some(token))?,
            Some(("f", token)) => item.flags = number(Some(token))?,
            Some(("t", "-1")) => item.expires_in = None,
            Some(("t", token)) => item.expires_in = Some(number(Some(token))?),
            _ => {}
        }
    }
    Ok(item)
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<T, Fault> {
    text.and_then(|text| text.parse().ok()).ok_or(Fault::Protocol)
}
