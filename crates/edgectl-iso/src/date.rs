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
        assert_eq!(record(1_767_225_599), [125, 12, 31, 23, 59, 59, 0]);
    }
}
