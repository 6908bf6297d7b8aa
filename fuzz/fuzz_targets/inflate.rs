//! Inflates any bytes within a limit, and deflates them and inflates them again.

#![no_main]

use hipflask_core::{
    encoding::encode_url,
    serializer::{decode_payload, encode_payload},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (limit, bytes) = (usize::from(input.0), input.1);
    let payload = format!(".{}", encode_url(bytes));
    let within = decode_payload(payload.as_bytes(), limit);
    if let Ok((text, is_compressed)) = &within {
        assert!(text.len() <= limit && *is_compressed);
        // What inflates within a limit does so within a larger one, to the same text.
        assert_eq!(decode_payload(payload.as_bytes(), limit * 2), within);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let mut payload = Vec::new();
        encode_payload(bytes, &mut payload);
        let (read, _) = decode_payload(&payload, text.len()).expect("it was just deflated");
        assert_eq!(read, text);
    }
});
