//! Which records the user wants to see.

use super::MessageRecord;
use crate::investigate::{Selection, Time};
use crate::net::canonical;
use crate::text::Text;

impl MessageRecord<'_> {
    /// Whether the record fits every list of `selection` that is not empty, and its period as far as
    /// its times are known.
    pub fn is_wanted(&self, selection: &Selection) -> bool {
        let address =
            |text: Option<&Text>, wanted: &Text| text.is_some_and(|text| same_address(text, wanted));
        any(&selection.mids, |mid| self.mid == Some(*mid))
            && any(&selection.icids, |icid| self.icid == Some(*icid))
            && any(&selection.remotes, |wanted| {
                self.remote.is_some_and(|remote| canonical(remote) == canonical(*wanted))
            })
            && any(&selection.mail_from, |wanted| address(self.mail_from, wanted))
            && any(&selection.rcpt_to, |wanted| {
                self.rcpt_to.iter().chain(&self.rejected).any(|text| same_address(text, wanted))
            })
            && any(&selection.message_ids, |wanted| address(self.message_id, wanted))
            && self.is_within(selection)
    }

    /// Whether some of its life lies in the period. A time without a known offset may.
    fn is_within(&self, selection: &Selection) -> bool {
        let utc = |time: Option<Time>| match time {
            Some(Time::Utc(time)) => Some(time),
            _ => None,
        };
        let (first, last) = (utc(self.started_at.or(self.ended_at)), utc(self.ended_at.or(self.started_at)));
        selection.since.is_none_or(|since| last.is_none_or(|last| last >= since))
            && selection.until.is_none_or(|until| first.is_none_or(|first| first <= until))
    }
}

/// An empty list wants all.
fn any<T>(list: &[T], fits: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(fits)
}

/// Equal but for case and angle brackets.
fn same_address(text: &Text, wanted: &Text) -> bool {
    bare(text.as_bytes()).eq_ignore_ascii_case(bare(wanted.as_bytes()))
}

fn bare(octets: &[u8]) -> &[u8] {
    let octets = octets.trim_ascii();
    octets.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::messages::samples::{log, records};
    use crate::time::Timestamp;

    /// MIDs, or ICIDs of connections without one, that a selection leaves.
    fn left(selection: &Selection) -> Vec<u64> {
        let found = records(&log(), |record| {
            record.is_wanted(selection).then(|| record.mid.or(record.icid).unwrap_or_default())
        });
        found.into_iter().flatten().collect()
    }

    #[test]
    fn lists_narrow_each_other() {
        let all = Selection::default();
        assert_eq!(left(&all).len(), 15);
        assert_eq!(left(&Selection { mids: vec![2, 1404], ..all.clone() }), [1404, 2]);
        assert_eq!(left(&Selection { icids: vec![10_295], ..all.clone() }), [10_295]);
        assert_eq!(left(&Selection { mids: vec![2], icids: vec![10_295], ..all.clone() }), [0; 0]);
        assert_eq!(left(&Selection { rcpt_to: vec![Text::from("<R2@Example.com>")], ..all.clone() }), [5]);
        assert_eq!(left(&Selection { message_ids: vec![Text::from("5@example.net")], ..all.clone() }), [5]);
        let remote = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
        assert_eq!(left(&Selection { remotes: vec![remote], ..all }), [u64::MAX]);
    }

    #[test]
    fn a_period_takes_what_lives_in_it() {
        let at = |clock: &str| Timestamp::parse_rfc3339(&format!("2014-08-14T{clock}Z"));
        let period = |since, until| Selection { since, until, ..Selection::default() };
        assert_eq!(left(&period(at("11:00:12"), at("11:00:21"))), [1404, 2]);
        assert_eq!(left(&period(at("11:02:10"), None)), [1_558_778]);
    }
}
