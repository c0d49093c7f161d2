//! IANA names of zones, forgiving in case, and with a suggestion for near misses.

use chrono_tz::{TZ_VARIANTS, Tz};

/// Suggestions given for one name.
const MAX_SUGGESTIONS: usize = 3;

/// Names that differ in more letters than this are not near.
const MAX_DISTANCE: usize = 3;

/// Longer than any name of a zone: nothing longer is compared.
const MAX_NAME: usize = 64;

/// The zone of that name.
pub(super) fn find(typed: &str) -> Result<Tz, String> {
    let name = typed.replace(' ', "_");
    if let Some(zone) = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&name)) {
        return Ok(*zone);
    }
    let near = suggestions(&name);
    if near.is_empty() {
        Err("no such zone; write +HHMM, or an IANA name such as Europe/Berlin".to_owned())
    } else {
        Err(format!("no such zone; did you mean {}?", near.join(" or ")))
    }
}

/// The nearest names, by the whole name or by its last part (the city).
fn suggestions(typed: &str) -> Vec<&'static str> {
    if typed.len() > MAX_NAME {
        return Vec::new();
    }
    let typed = typed.to_ascii_lowercase();
    let city = last_part(&typed);
    let mut near: Vec<(usize, &'static str)> = TZ_VARIANTS
        .iter()
        .filter_map(|zone| {
            let name = zone.name().to_ascii_lowercase();
            let whole = distance(&typed, &name);
            let part = distance(city, last_part(&name));
            let nearest = whole.min(part);
            // A short name is near to everything: half of it must be right.
            (nearest <= MAX_DISTANCE && nearest * 2 <= city.len()).then_some((nearest, zone.name()))
        })
        .collect();
    near.sort_unstable();
    near.truncate(MAX_SUGGESTIONS);
    near.into_iter().map(|(_, name)| name).collect()
}

fn last_part(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

/// Letters to insert, drop or exchange to get from one name to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (place, letter) in a.bytes().enumerate() {
        let mut diagonal = place;
        let mut left = place + 1;
        for (other, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let exchanged = diagonal + usize::from(other != letter);
            diagonal = *above;
            *above = exchanged.min(diagonal + 1).min(left + 1);
            left = *above;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_are_forgiven() {
        assert_eq!(find("europe/berlin"), Ok(chrono_tz::Europe::Berlin));
        assert_eq!(find("America/New York"), Ok(chrono_tz::America::New_York));
    }

    #[test]
    fn near_misses_get_a_suggestion() {
        for (typed, meant) in [
            ("Europe/Berln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("America/NewYork", "America/New_York"),
        ] {
            let error = find(typed).unwrap_err();
            assert!(error.contains(meant), "{typed}: {error}");
        }
        for typed in ["Nowhere/Xyzzyqrst", "x", "", &"a".repeat(100_000)] {
            assert!(!find(typed).unwrap_err().contains("did you mean"), "{typed}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ab", 0)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
