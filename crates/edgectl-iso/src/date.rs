//! Dates as ISO 9660 has them, always in UTC.

/// `YYYYMMDDhhmmsscc`, for volume descriptors and xorriso.
pub(crate) fn digits(epoch: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(epoch);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00")
}

/// The seven bytes of a directory record (ECMA-119, 9.1.5).
pub(crate) fn record(epoch: u64) -> [u8; 7] {
    let [year, month, day, hour, minute, second] = parts(epoch);
    // One byte for the year: after 2155 there is nothing to say.
    let year = year.saturating_sub(1900).min(255);
    [year, month, day, hour, minute, second, 0].map(|part| part as u8)
}

/// The seconds since 1970 of `YYYYMMDDhhmmss`, taken as UTC; none where it is
/// no date.
pub(crate) fn epoch_of(digits: &[u8]) -> Option<u64> {
    let number = |from: usize, to: usize| {
        let text = std::str::from_utf8(digits.get(from..to)?).ok()?;
        text.parse::<u64>().ok()
    };
    let [month, day, hour, minute, second] =
        [number(4, 6)?, number(6, 8)?, number(8, 10)?, number(10, 12)?, number(12, 14)?];
    let year = number(0, 4).filter(|year| *year >= 1970)?;
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Counted from March, as in `civil`.
    let (year, march_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `YYYY-MM-DDThh:mm:ssZ`.
pub(crate) fn rfc3339(epoch: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(epoch);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn parts(epoch: u64) -> [u64; 6] {
    let (days, rest) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = civil(days);
    [year, month, day, rest / 3600, rest / 60 % 60, rest % 60]
}

/// Days since 1970 as year, month and day of the Gregorian calendar: years
/// are counted from March, so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(digits(0), "1970010100000000");
        assert_eq!(digits(951_782_400), "2000022900000000");
        assert_eq!(digits(1_767_225_599), "2025123123595900");
        assert_eq!(rfc3339(1_767_225_599), "2025-12-31T23:59:59Z");
        for epoch in [0, 951_782_400, 1_767_225_599, 4_102_444_800] {
            assert_eq!(epoch_of(digits(epoch).as_bytes()), Some(epoch));
        }
        for bad in ["0000000000000000", "20261301000000", "2026", "19691231235959"] {
            assert_eq!(epoch_of(bad.as_bytes()), None);
        }
        assert_eq!(record(1_767_225_599), [125, 12, 31, 23, 59, 59, 0]);
    }
}
