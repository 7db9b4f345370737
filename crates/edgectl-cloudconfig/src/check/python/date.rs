//! Dates as YAML 1.1 writes them.

use std::sync::LazyLock;

use regex_lite::Regex;

static TIMESTAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})([Tt]|[ \t]+)",
        r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})(\.[0-9]*)?",
        r"([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)$",
    ))
    .ok()
});

/// Whether PyYAML takes a plain text for a date.
pub(super) fn is_timestamp(text: &str) -> bool {
    TIMESTAMP.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether it is one that doesn't exist.
pub(super) fn is_impossible(text: &str) -> bool {
    if !is_timestamp(text) {
        return false;
    }
    let numbers: Vec<u32> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let is_time = |hour: u32, minute: u32, second: u32| hour < 24 && minute < 60 && second < 60;
    match numbers[..] {
        [year, month, day] => !is_date(year, month, day),
        [year, month, day, hour, minute, second, ..] => {
            !is_date(year, month, day) || !is_time(hour, minute, second)
        }
        _ => false,
    }
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 });
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    year != 0 && day != 0 && day <= days
}
