//! Answers a stream of lines, one line for each, in constant memory.
//!
//! Between standard input and a verb. Both buffers are reused from line to line, and a line beyond
//! the limit is passed over without being stored.

use std::{
    fmt,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
};

use crate::{
    output::{Failure, Status},
    refusal::{MAX_LINE, Refusal},
};

const BUFFER: usize = 1 << 16;

/// Answers every line of `input` and goes on after refusals.
pub(crate) fn run<N: fmt::Display>(
    input: impl Read,
    output: impl Write,
    errors: impl Write,
    is_json: bool,
    mut answer: impl FnMut(&[u8], &mut Vec<u8>) -> Result<Option<N>, Refusal>,
) -> Result<Status, Failure> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut errors = BufWriter::with_capacity(BUFFER, errors);
    let (mut item, mut line) = (Vec::new(), Vec::new());
    let mut status = Status::Done;
    for number in 1_u64.. {
        if input.buffer().is_empty() {
            // The next read may wait for a program that itself waits for these answers.
            output.flush().map_err(Failure::Write)?;
            let _ = errors.flush();
        }
        line.clear();
        let answered = match read_line(&mut input, &mut item).map_err(Failure::Read)? {
            Line::End => break,
            Line::Item => answer(&item, &mut line),
            Line::TooLong => Err(Refusal::LineTooLong),
        };
        if let Err(refusal) = answered {
            status = Status::Refused;
            line.clear();
            if is_json {
                refusal.push_json(&mut line);
            } else {
                // As with all words, that nobody reads them is no reason to fail.
                let _ = writeln!(errors, "line {number}: {}", refusal.code());
            }
        }
        line.push(b'\n');
        output.write_all(&line).map_err(Failure::Write)?;
    }
    let _ = errors.flush();
    output.flush().map_err(Failure::Write)?;
    Ok(status)
}

enum Line {
    End,
    Item,
    TooLong,
}

/// Reads the next line into `item`, without `\n` or `\r\n`.
fn read_line(input: &mut impl BufRead, item: &mut Vec<u8>) -> io::Result<Line> {
    item.clear();
    if input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', item)? == 0 {
        return Ok(Line::End);
    }
    if item.pop_if(|last| *last == b'\n').is_some() {
        item.pop_if(|last| *last == b'\r');
    } else if item.len() > MAX_LINE {
        input.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Item)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each line with its length, and refuses those that start with `x`.
    #[track_caller]
    fn check(input: &[u8], is_json: bool, expected: (&str, &str, Status)) {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let status = run(input, &mut output, &mut errors, is_json, |item, line| {
            if item.starts_with(b"x") {
                line.extend_from_slice(b"what was begun is dropped");
                return Err(Refusal::NotUtf8);
            }
            line.extend_from_slice(item.len().to_string().as_bytes());
            Ok(None::<&str>)
        });
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!((&*text(output), &*text(errors), status.unwrap()), expected);
    }

    #[test]
    fn lines_are_answered_in_order() {
        check(b"", false, ("", "", Status::Done));
        check(b"a\n\nabc\n", false, ("1\n0\n3\n", "", Status::Done));
        check(b"\xff\xfe\r\nab\rc\r", false, ("2\n5\n", "", Status::Done));
    }

    #[test]
    fn refusal_does_not_end_the_run() {
        let errors = "line 1: bad_payload\nline 3: bad_payload\n";
        check(b"x\na\nxx\n", false, ("\n1\n\n", errors, Status::Refused));
        let output = "1\n{\"ok\":false,\"reason\":\"bad_payload\"}\n";
        check(b"a\nx", true, (output, "", Status::Refused));
    }

    #[test]
    fn line_beyond_the_limit_is_passed_over() {
        let input = |length| [&vec![b'a'; length][..], b"\nab\n"].concat();
        check(&input(MAX_LINE), false, ("1048576\n2\n", "", Status::Done));
        let errors = "line 1: too_large\n";
        check(&input(MAX_LINE + 1), false, ("\n2\n", errors, Status::Refused));
        check(&input(3 * MAX_LINE), false, ("\n2\n", errors, Status::Refused));
        check(&vec![b'a'; MAX_LINE + 1], false, ("\n", errors, Status::Refused));
    }
}
