//! The least that Flask's format costs: one HMAC from a prepared key, base64 into a kept buffer,
//! inflate or deflate with a kept stream of stock zlib where Flask compresses, and a bare scan of
//! the JSON, which checks next to nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hipflask_core::signing::{Digest, KeyDerivation, derive_key};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{cart, local};
use crate::{
    measure::Runner,
    workload::{Operation, SECRET_KEY, Workload, forge},
};

struct Floor {
    mac: Hmac<Sha1>,
    inflate: Decompress,
    deflate: Compress,
    /// What base64 yields or takes.
    bytes: Vec<u8>,
    json: Vec<u8>,
    entries: Vec<[usize; 4]>,
    cookie: Vec<u8>,
    /// The time as it stands in the cookie.
    time: Vec<u8>,
}

pub(super) fn prepare(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let mut floor = Floor::new(workload);
    let Workload { cookie, key, untagged, .. } = workload.clone();
    match operation {
        Operation::Open => {
            let mut open = move || floor.open(cookie.as_bytes()).and_then(|()| floor.integer(key));
            assert_eq!(open(), workload.expected());
            local(open)
        }
        Operation::OpenCart => {
            let mut open = move || {
                floor.open(cookie.as_bytes())?;
                cart(std::str::from_utf8(&floor.json).ok()?)
            };
            assert_eq!(open().map(|items| items.len()), Some(30));
            local(open)
        }
        Operation::Save => {
            let compressed = workload.is_compressed();
            let mut save = move || floor.save(&untagged, compressed);
            assert!(save() > workload.cookie.len() * 9 / 10, "tags are all that may be missing");
            local(save)
        }
        Operation::Forged => {
            let forged = forge(&cookie).into_bytes();
            let open = move || floor.verify(&forged).is_some();
            assert!(!open());
            local(open)
        }
    }
}

/// Single parts: the HMAC that refuses a forged cookie, the deflate call that shrinks a session.
pub(super) fn prepare_part(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let mut floor = Floor::new(workload);
    match operation {
        Operation::Forged => {
            let end = workload.cookie.rfind('.')?;
            let signed = workload.cookie.as_bytes()[..end].to_vec();
            local(move || floor.mac.clone().chain_update(&signed).finalize())
        }
        Operation::Save if workload.is_compressed() => {
            floor.json = workload.json.clone().into_bytes();
            local(move || floor.deflate())
        }
        _ => None,
    }
}

impl Floor {
    fn new(workload: &Workload) -> Self {
        let secret = SECRET_KEY.as_bytes();
        let key = derive_key(Digest::Sha1, KeyDerivation::Hmac, b"cookie-session", secret);
        Self {
            mac: Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length"),
            inflate: Decompress::new(true),
            deflate: Compress::new(Compression::new(6), true),
            bytes: vec![0; 8192], // more than any cookie holds
            json: Vec::with_capacity(8192),
            entries: Vec::with_capacity(16),
            cookie: Vec::with_capacity(8192),
            time: workload.cookie.rsplit('.').nth(1).unwrap_or_default().into(),
        }
    }

    /// Returns what precedes the signature.
    fn verify<'a>(&self, cookie: &'a [u8]) -> Option<&'a [u8]> {
        let at = cookie.iter().rposition(|byte| *byte == b'.')?;
        let mut tag = [0; 24];
        let len = URL_SAFE_NO_PAD.decode_slice(&cookie[at + 1..], &mut tag).ok()?;
        self.mac.clone().chain_update(&cookie[..at]).verify_slice(&tag[..len]).ok()?;
        Some(&cookie[..at])
    }

    fn open(&mut self, cookie: &[u8]) -> Option<()> {
        let signed = self.verify(cookie)?;
        let at = signed.iter().rposition(|byte| *byte == b'.')?;
        let payload = &signed[..at];
        let deflated = payload.strip_prefix(b".");
        let len =
            URL_SAFE_NO_PAD.decode_slice(deflated.unwrap_or(payload), &mut self.bytes).ok()?;
        self.json.clear();
        if deflated.is_some() {
            self.inflate.reset(true);
            let flush = FlushDecompress::Finish;
            self.inflate.decompress_vec(&self.bytes[..len], &mut self.json, flush).ok()?;
        } else {
            self.json.extend_from_slice(&self.bytes[..len]);
        }
        self.scan()
    }

    /// Notes where the keys and values of the top level lie.
    fn scan(&mut self) -> Option<()> {
        self.entries.clear();
        let json = &self.json[..];
        let (mut at, mut depth, mut key, mut value) = (0, 0, 0..0, 0);
        while let Some(byte) = json.get(at) {
            match byte {
                b'"' => {
                    let start = at + 1;
                    at = string_end(json, start)?;
                    if depth == 1 && value == 0 {
                        key = start..at;
                    }
                }
                b':' if depth == 1 => value = at + 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if value > 0 && (*byte == b',' && depth == 1 || depth == 0) {
                self.entries.push([key.start, key.end, value, at]);
                value = 0;
            }
            at += 1;
        }
        (depth == 0).then_some(())
    }

    fn integer(&self, key: &str) -> Option<u64> {
        let is_key = |entry: &&[usize; 4]| &self.json[entry[0]..entry[1]] == key.as_bytes();
        let entry = self.entries.iter().find(is_key)?;
        std::str::from_utf8(&self.json[entry[2]..entry[3]]).ok()?.parse().ok()
    }

    fn deflate(&mut self) -> usize {
        self.deflate.reset();
        self.bytes.clear();
        let finish = FlushCompress::Finish;
        let _status = self.deflate.compress_vec(&self.json, &mut self.bytes, finish);
        self.bytes.len()
    }

    fn save(
        &mut self,
        content: &serde_json::Map<String, serde_json::Value>,
        compressed: bool,
    ) -> usize {
        self.json.clear();
        if serde_json::to_writer(&mut self.json, content).is_err() {
            return 0;
        }
        self.cookie.clear();
        if compressed {
            self.deflate();
            self.cookie.push(b'.');
        }
        let bytes = if compressed { &self.bytes } else { &self.json };
        let start = self.cookie.len();
        self.cookie.resize(start + (bytes.len() * 4).div_ceil(3), 0);
        let _written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut self.cookie[start..]);
        self.cookie.push(b'.');
        self.cookie.extend_from_slice(&self.time);
        let tag = self.mac.clone().chain_update(&self.cookie).finalize().into_bytes();
        let mut text = [0; 27];
        let len = URL_SAFE_NO_PAD.encode_slice(tag, &mut text).unwrap_or(0);
        self.cookie.push(b'.');
        self.cookie.extend_from_slice(&text[..len]);
        self.cookie.len()
    }
}

fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += json.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if json[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
