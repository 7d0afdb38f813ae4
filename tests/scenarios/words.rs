//! Amounts in scenario files.

use jiff::SignedDuration;

/// `10s`, `5m`, `25h`, `3d`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("{text:?} is no duration; write such as 90m, 25h or 3d");
    let split = text.len().checked_sub(1).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    Ok(match unit {
        "s" => SignedDuration::from_secs(number),
        "m" => SignedDuration::from_mins(number),
        "h" => SignedDuration::from_hours(number),
        "d" => SignedDuration::from_hours(number * 24),
        _ => return Err(wrong()),
    })
}

/// The parts of a step: what comes first, and what follows each comma.
pub(crate) fn clauses(text: &str) -> (Vec<&str>, Vec<&str>) {
    let mut parts = text.split(", ");
    let head = parts.next().unwrap_or_default();
    (
        head.split_whitespace().collect(),
        parts.map(str::trim).collect(),
    )
}
