//! What a server must be to keep sessions: asked when a connection is made, and not found out by the
//! first visitor who logs in.

use std::collections::HashMap;

use redis::{Pipeline, ProtocolVersion, Value, from_redis_value, pipe};

use super::{
    failure::{Failure, IS_CLUSTER, STRANGE},
    script::{CHECK, Request},
};

const IS_SENTINEL: Failure =
    Failure::Refused("the server is a sentinel: address it with redis+sentinel://");
const NO_CLUSTER: Failure =
    Failure::Refused("the server is not in cluster mode: address it with redis://");

const FORBIDDEN: &str =
    "allow it to the user, as with ACL SETUSER NAME +get +set +del +pttl +pexpire +eval +evalsha";
const RENAMED: &str = "take its rename-command out of the server's settings";

/// Returns what to ask, next to each other.
pub(super) fn questions(protocol: ProtocolVersion) -> Pipeline {
    let mut questions = pipe();
    // In the version that is spoken already, it changes nothing.
    questions.cmd("HELLO").arg(if protocol.supports_resp3() { 3 } else { 2 });
    let script = Request::Script(&CHECK, &[], &[]);
    for in_full in [true, false] {
        questions.add_command(script.command(in_full).into_owned());
    }
    questions
}

/// Says what is wrong with a server that answers so, which is to be a node of a cluster or not. What
/// it cannot say, as for now, is not held against it.
pub(super) fn judge(answers: &[Value], is_node: bool) -> Result<(), Failure> {
    let [hello, eval, evalsha] = answers else { return Err(STRANGE) };
    match (mode(hello).as_deref(), is_node) {
        (Some("cluster"), false) => return Err(IS_CLUSTER),
        (Some("sentinel"), _) => return Err(IS_SENTINEL),
        (Some("standalone"), true) => return Err(NO_CLUSTER),
        _ => {}
    }
    for (command, answer) in [("EVAL", eval), ("EVALSHA", evalsha)] {
        if let Some(remedy) = remedy(answer) {
            return Err(Failure::NoScripts { command, remedy });
        }
    }
    Ok(())
}

fn mode(hello: &Value) -> Option<String> {
    let mut facts: HashMap<String, Value> = from_redis_value(hello.clone()).ok()?;
    from_redis_value(facts.remove("mode")?).ok()
}

fn remedy(answer: &Value) -> Option<&'static str> {
    let Value::ServerError(error) = answer else { return None };
    match error.code() {
        "NOPERM" => Some(FORBIDDEN),
        "ERR" if error.details()?.starts_with("unknown command") => Some(RENAMED),
        _ => None,
    }
}
