//! FastCGI, as far as an authorizer needs it: Apache asks by it. One request a connection, in records; the answer
//! is that of HTTP, written as the web server wants it.
//!
//! [The protocol](https://fastcgi-archives.github.io/FastCGI_Specification.html). The web server is believed: its
//! `REQUEST_URI` is the page. Bytes that are no such request end the connection, and the web server lets nobody in.

use std::io;

use hyper::{
    Method, Request, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, COOKIE, HeaderName, HeaderValue, SET_COOKIE},
};
use tokio::io::{AsyncRead, AsyncReadExt as _};

const VERSION: u8 = 1;
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDOUT: u8 = 6;
const AUTHORIZER: u16 = 2;

/// How many bytes all parameters may have: Apache's limits of a request's head add up to more than anybody sends.
const MAX_PARAMS: usize = 1 << 20;
/// How much of an answer one record has.
const CHUNK: usize = 0xfff8;

/// What of a visitor's request is looked at, and its header.
static HEADERS: [(&[u8], HeaderName); 3] = [
    (b"HTTP_ACCEPT", ACCEPT),
    (b"HTTP_COOKIE", COOKIE),
    (b"HTTP_SEC_FETCH_MODE", HeaderName::from_static("sec-fetch-mode")),
];

/// A request, and the number that its answer must have.
pub(super) struct Numbered {
    pub(super) request: Request<()>,
    pub(super) id: [u8; 2],
}

/// Reads the request of a connection.
pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Numbered> {
    let (kind, id, body) = read_record(input).await?;
    let is_authorizer = body.get(..2) == Some(&AUTHORIZER.to_be_bytes());
    if kind != BEGIN_REQUEST || body.len() != 8 || !is_authorizer {
        return Err(wrong("expected the begin of a request to an authorizer"));
    }
    let mut params = Vec::new();
    loop {
        let (kind, its_id, body) = read_record(input).await?;
        if kind != PARAMS || its_id != id || params.len() + body.len() > MAX_PARAMS {
            return Err(wrong("expected its parameters"));
        }
        if body.is_empty() {
            return Ok(Numbered { request: request_of(&params)?, id });
        }
        params.extend(body);
    }
}

/// Returns the type of a record, the number of its request, and what is in it: at most 64 KB.
async fn read_record(input: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, [u8; 2], Vec<u8>)> {
    let mut head = [0; 8];
    input.read_exact(&mut head).await?;
    let [version, kind, id_high, id_low, high, low, n_padding, _] = head;
    if version != VERSION {
        return Err(wrong("expected version 1"));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let mut body = vec![0; length + usize::from(n_padding)];
    input.read_exact(&mut body).await?;
    body.truncate(length);
    Ok((kind, [id_high, id_low], body))
}

fn request_of(params: &[u8]) -> io::Result<Request<()>> {
    let (mut method, mut target) = (None, None);
    let mut request = Request::new(());
    for pair in pairs(params) {
        let (name, value) = pair?;
        let is_second = match name {
            b"REQUEST_METHOD" => method.replace(Method::from_bytes(value)).is_some(),
            b"REQUEST_URI" => target.replace(value.try_into()).is_some(),
            _ => {
                let known = HEADERS.iter().find(|(known, _)| *known == name);
                if let (Some((_, header)), Ok(value)) = (known, HeaderValue::from_bytes(value)) {
                    request.headers_mut().append(header.clone(), value);
                }
                false
            }
        };
        if is_second {
            return Err(wrong("expected one method and one address"));
        }
    }
    let (Some(Ok(method)), Some(Ok(target))) = (method, target) else {
        return Err(wrong("expected a method and an address"));
    };
    *request.method_mut() = method;
    *request.uri_mut() = target;
    Ok(request)
}

/// Takes parameters apart: two lengths, of one byte or of four, then name and value.
fn pairs(mut bytes: &[u8]) -> impl Iterator<Item = io::Result<(&[u8], &[u8])>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let pair = (|| {
            let lengths = [take_length(&mut bytes)?, take_length(&mut bytes)?];
            let [name, value] = lengths.map(|length| bytes.split_off(..length));
            Some((name?, value?))
        })();
        if pair.is_none() {
            bytes = &[];
        }
        Some(pair.ok_or_else(|| wrong("a parameter is cut")))
    })
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    if first < 0x80 {
        bytes.split_off_first()?;
        return Some(first.into());
    }
    let four = bytes.split_off(..4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four) & 0x7fff_ffff).ok()
}

/// Writes an answer. A web server hands all headers of a refusal to the visitor. With a 200 those that are named
/// `Variable-…` become variables of its own, and any others go into the page's answer.
pub(super) fn answer(response: &Response<String>, id: [u8; 2]) -> Vec<u8> {
    let is_allowed = response.status() == StatusCode::OK;
    let mut text = format!("Status: {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        let prefix: &[u8] = match *name {
            CACHE_CONTROL if is_allowed => continue,
            SET_COOKIE => b"",
            _ if is_allowed => b"Variable-",
            _ => b"",
        };
        let line = [prefix, name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
        text.extend(line.concat());
    }
    text.extend(b"\r\n");
    let mut out = Vec::new();
    for chunk in text.chunks(CHUNK).chain([&[][..]]) {
        write_record(&mut out, STDOUT, id, chunk);
    }
    write_record(&mut out, END_REQUEST, id, &[0; 8]);
    out
}

fn write_record(out: &mut Vec<u8>, kind: u8, [high, low]: [u8; 2], body: &[u8]) {
    // No body is longer than a chunk.
    let [long, length] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    out.extend([VERSION, kind, high, low, long, length, 0, 0]);
    out.extend(body);
}

fn wrong(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests;
