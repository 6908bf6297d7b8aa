//! How long ago something was, in words.

use hipflask::UnixTime;

/// Says how long ago something was: `5 minutes ago`.
pub(crate) fn ago(then: UnixTime, now: UnixTime) -> String {
    let seconds = now.as_secs().saturating_sub(then.as_secs()).try_into().unwrap_or(i64::MAX);
    if seconds < 60 { "just now".to_owned() } else { format!("{} ago", duration(seconds)) }
}

/// Says a number of seconds in its largest unit: `5 minutes`.
pub(crate) fn duration(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let unit = UNITS.into_iter().find(|&(unit, _)| seconds >= unit);
    let (number, name) = unit.map_or((seconds, "second"), |(unit, name)| (seconds / unit, name));
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_uses_the_largest_unit() {
        let words = [-1, 0, 1, 59, 60, 7_200, 172_800].map(duration);
        let expected =
            ["-1 seconds", "0 seconds", "1 second", "59 seconds", "1 minute", "2 hours", "2 days"];
        assert_eq!(words, expected);
    }

    #[test]
    fn ago_counts_whole_minutes() {
        let ago = |now| ago(UnixTime::from_secs(1_000), UnixTime::from_secs(now));
        assert_eq!(
            [999, 1_059, 1_060, 8_200].map(ago),
            ["just now", "just now", "1 minute ago", "2 hours ago"]
        );
    }
}
