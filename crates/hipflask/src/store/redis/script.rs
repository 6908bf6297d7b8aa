//! What must happen in one step: scripts, which a server runs without anything in between.
//!
//! They are called by their hash, and sent in full only to a server that does not know them yet.

use std::{borrow::Cow, sync::LazyLock};

use redis::{Cmd, cmd};

/// A script, and its name at the server.
pub(super) struct Script {
    source: &'static str,
    hash: LazyLock<String>,
}

impl Script {
    const fn new(source: &'static str, hash: fn() -> String) -> Self {
        Self { source, hash: LazyLock::new(hash) }
    }
}

/// Defines scripts that start with what all of them know.
macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $source:literal;)*) => {
        $($(#[$doc])*
        pub(super) static $name: Script = {
            const SOURCE: &str = $source;
            Script::new(SOURCE, || redis::Script::new(SOURCE).get_hash().to_owned())
        };)*
    };
}

scripts! {
    /// Does nothing, wherever scripts are run.
    CHECK = "return 1";

    /// Reads a record and how much is left of its life, or gives it `ttl` if that is less than
    /// `when_below`, or no end is set, -1. Where it cannot be given, the record is read all the same.
    LOAD = r"local payload = redis.call('GET', KEYS[1])
if not payload then return false end
if payload == '\192' or payload == 'null' or payload == '\128\005N.' then return payload end
local left = redis.call('PTTL', KEYS[1])
if left >= tonumber(ARGV[2]) then return {payload, left} end
if type(redis.pcall('PEXPIRE', KEYS[1], ARGV[1])) == 'table' then return {payload, left} end
return {payload}";

    /// Writes a record in the place of the one that was read, where a server has no command for it.
    REPLACE = r"local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])";

    /// Writes a record to a free key, and retires the one that was read.
    RENEW = r"local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
if not redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3], 'NX') then return 0 end
return redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])";
}

/// A command, or a script with its arguments.
pub(super) enum Request<'a> {
    Command(Cmd),
    Script(&'static Script, &'a [&'a str], &'a [&'a [u8]]),
}

impl Request<'_> {
    /// Returns the command to send, `in_full` for a server that does not know the script.
    pub(super) fn command(&self, in_full: bool) -> Cow<'_, Cmd> {
        match self {
            Self::Command(command) => Cow::Borrowed(command),
            Self::Script(script, keys, arguments) => {
                let mut command = if in_full { cmd("EVAL") } else { cmd("EVALSHA") };
                command.arg(if in_full { script.source } else { &script.hash });
                command.arg(keys.len()).arg(*keys).arg(*arguments);
                Cow::Owned(command)
            }
        }
    }
}
