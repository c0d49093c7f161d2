//! Tables of beginnings: which words open a record, and what to make of what follows them.

use crate::maillog::event::{Fact, Ids, Known};
use crate::maillog::scan;

/// Letters, and one bucket for all else.
const BUCKETS: usize = 27;

/// What to make of the text after the words of a [`Rule`].
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// Read it.
    As(for<'a> fn(&mut Ids, Matched<'a>) -> Fact<'a>),
    /// There is nothing in it for the join.
    Known(Known),
}

/// A text whose beginning fits a rule.
#[derive(Clone, Copy)]
pub(super) struct Matched<'a> {
    /// All of it.
    pub(super) whole: &'a [u8],
    /// What follows the rule's words and the spaces after them.
    pub(super) rest: &'a [u8],
}

/// Words at the start of a text, and what they open.
pub(super) type Rule = (&'static str, Reading);

/// Rules by the first letter of their words, so that a text is compared with a few of them only.
pub(super) struct Table {
    rules: &'static [Rule],
    /// Rules of bucket `b` are those from `starts[b]` up to `starts[b + 1]`.
    starts: [usize; BUCKETS + 1],
}

impl Table {
    /// A table of `rules`, which stand in the order of their first letters (a compile-time check);
    /// among those of one letter the first that fits holds.
    #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks the bounds")]
    pub(super) const fn new(rules: &'static [Rule]) -> Self {
        let mut starts = [0; BUCKETS + 1];
        let mut bucket = 0;
        let mut at = 0;
        while at < rules.len() {
            let own = bucket_of(rules[at].0.as_bytes()[0]);
            assert!(own >= bucket, "rules stand in the order of their first letters");
            while bucket < own {
                bucket += 1;
                starts[bucket] = at;
            }
            at += 1;
        }
        while bucket < BUCKETS {
            bucket += 1;
            starts[bucket] = rules.len();
        }
        Self { rules, starts }
    }

    /// The first rule that fits `text`, and how.
    #[inline]
    pub(super) fn find<'a>(&self, text: &'a [u8]) -> Option<(&Reading, Matched<'a>)> {
        let bucket = bucket_of(*text.first()?);
        let (from, to) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        self.rules.get(from..to)?.iter().find_map(|(words, reading)| {
            let rest = scan::strip(text, words.as_bytes())?;
            Some((reading, Matched { whole: text, rest: rest.trim_ascii_start() }))
        })
    }

    /// Reads `text` by the first rule that fits.
    #[inline]
    pub(super) fn read<'a>(&self, ids: &mut Ids, text: &'a [u8]) -> Fact<'a> {
        match self.find(text) {
            Some((Reading::As(read), matched)) => read(ids, matched),
            Some((Reading::Known(kind), _)) => Fact::Known(*kind),
            None => Fact::Unknown,
        }
    }

    /// The words of the rules that can never be reached because an earlier one takes all their texts.
    #[cfg(test)]
    pub(super) fn shadowed(&self) -> Vec<&'static str> {
        let texts = self.rules.iter().enumerate();
        texts
            .filter(|(at, (words, _))| {
                self.rules
                    .iter()
                    .take(*at)
                    .any(|(earlier, _)| scan::strip(words.as_bytes(), earlier.as_bytes()).is_some())
            })
            .map(|(_, (words, _))| *words)
            .collect()
    }
}

const fn bucket_of(octet: u8) -> usize {
    match octet {
        b'a'..=b'z' => (octet - b'a') as usize,
        b'A'..=b'Z' => (octet - b'A') as usize,
        _ => BUCKETS - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Table = Table::new(&[
        ("alpha beta", Reading::Known(Known::Limit)),
        ("alpha", Reading::Known(Known::System)),
        ("gamma", Reading::As(|_, matched| Fact::Sender(matched.rest))),
        ("<", Reading::Known(Known::Syntax)),
    ]);

    #[test]
    fn the_first_rule_that_fits_holds() {
        let read = |text| TABLE.read(&mut Ids::default(), text);
        assert_eq!(read(b"Alpha Beta x"), Fact::Known(Known::Limit));
        assert_eq!(read(b"alpha betas"), Fact::Known(Known::System));
        assert_eq!(read(b"alphabet"), Fact::Unknown);
        assert_eq!(read(b"GAMMA  rest"), Fact::Sender(b"rest"));
        assert_eq!(read(b"<x>"), Fact::Known(Known::Syntax));
        assert_eq!(read(b"zeta"), Fact::Unknown);
        assert_eq!(read(b""), Fact::Unknown);
        assert!(TABLE.shadowed().is_empty());
    }
}
