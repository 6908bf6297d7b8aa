//! Hipflask's core: open and save whole, as the layer calls them.

use hipflask_core::{
    interface::{CookieSessions, SaveAction},
    signing::KeyRing,
};

use super::local;
use crate::{
    measure::Runner,
    workload::{Item, Operation, SECRET_KEY, Workload, forge},
};

pub(super) fn prepare(workload: &Workload, operation: Operation) -> Option<Box<dyn Runner>> {
    let interface = CookieSessions::new(&KeyRing::new(SECRET_KEY));
    let Workload { cookie, key, now, .. } = workload.clone();
    match operation {
        Operation::Open => {
            let open = move || interface.open(Some(cookie.as_bytes()), now).session.get::<u64>(key);
            assert_eq!(open(), Ok(workload.expected()));
            local(open)
        }
        Operation::OpenCart => {
            let open = move || {
                interface.open(Some(cookie.as_bytes()), now).session.get::<Vec<Item>>("cart")
            };
            assert_eq!(open().ok().flatten().map(|items| items.len()), Some(30));
            local(open)
        }
        Operation::Save => {
            let mut session = interface.open(Some(cookie.as_bytes()), now).session;
            session.insert(key, workload.expected()).expect("it can be changed");
            let save = move || interface.save(&session, now);
            let saved = save().expect("it fits").action;
            let expected = format!("session={}; ", workload.cookie);
            assert!(matches!(saved, SaveAction::Set(header) if header.starts_with(&expected)));
            local(save)
        }
        Operation::Forged => {
            let forged = forge(&cookie);
            let open = move || interface.open(Some(forged.as_bytes()), now).reason;
            assert_eq!(open().code(), "bad_signature");
            local(open)
        }
    }
}
