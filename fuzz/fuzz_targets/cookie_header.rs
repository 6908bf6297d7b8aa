//! Reads any bytes as a `Cookie` header: nothing panics, all text is UTF-8, lookups take the first.

#![no_main]

use hipflask_core::cookie::{find, find_in, pairs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &[u8]| {
    let pairs: Vec<_> = pairs(header).collect();
    for (name, value) in &pairs {
        let name_text = str::from_utf8(name).expect("a name is UTF-8");
        str::from_utf8(value).expect("a value is UTF-8");
        let first = pairs.iter().find(|pair| pair.0 == *name).map(|pair| &pair.1);
        assert_eq!(find(header, name_text).as_ref(), first);
        assert_eq!(find_in([&b""[..], header], name_text).as_ref(), first);
    }
    if !pairs.iter().any(|(name, _)| &name[..] == b"session") {
        assert_eq!(find(header, "session"), None);
    }
});
