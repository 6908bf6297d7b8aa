//! Feeds a verb with its item, or with each line of standard input if the item is `-`.
//!
//! Knows nothing of what the verbs do.

use std::{ffi::OsStr, fmt, io};

use crate::{
    batch,
    output::{Failure, Status, print_line, say},
    refusal::Refusal,
};

/// Answers one item or many. `answer` appends a line of data to its buffer and returns words that
/// are worth telling when there is only one item.
pub(crate) fn run<N: fmt::Display>(
    item: &OsStr,
    is_json: bool,
    mut answer: impl FnMut(&[u8], &mut Vec<u8>) -> Result<Option<N>, Refusal>,
) -> Result<Status, Failure> {
    if item == "-" {
        let (input, output, errors) = (io::stdin().lock(), io::stdout().lock(), io::stderr());
        return batch::run(input, output, errors, is_json, answer);
    }
    let mut line = Vec::new();
    match answer(item.as_encoded_bytes(), &mut line) {
        Ok(note) => {
            print_line(&line)?;
            note.into_iter().for_each(say);
            Ok(Status::Done)
        }
        Err(refusal) => {
            if is_json {
                line.clear();
                refusal.push_json(&mut line);
                print_line(&line)?;
            }
            say(format_args!("{}: {refusal}", refusal.code()));
            Ok(Status::Refused)
        }
    }
}
