//! Reads any bytes as a stored session, and writes what it holds in every format and reads it again.

#![no_main]

use hipflask_core::{
    record::{EncodeError, Format, decode, encode},
    serializer::Limits,
};
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 3] = [Format::Json, Format::MsgPack, Format::Pickle];

fuzz_target!(|record: &[u8]| {
    let limits = Limits::default().with_inflated(1 << 16);
    for expected in FORMATS {
        let Ok(decoded) = decode(record, expected, limits) else { continue };
        let Some(content) = decoded.content else { continue };
        match encode(&content, Format::Pickle) {
            Ok(pickle) => {
                let again = decode(&pickle, Format::Pickle, Limits::default());
                assert_eq!(again.map(|again| again.content), Ok(Some(content.clone())));
            }
            Err(error) => assert_eq!(error, EncodeError::TooDeep),
        }
        for format in FORMATS {
            // What one round makes of a value, the next leaves as it is.
            let Ok(written) = encode(&content, format) else { continue };
            let again = decode(&written, format, Limits::default()).expect("it was just written");
            assert_eq!(again.format, format);
            let content = again.content.expect("a dict was written");
            assert_eq!(encode(&content, format), Ok(written));
        }
    }
});
