//! Patterns: what one connection cannot show, the set can. One file a pattern.
//!
//! Each is read over all connections of the inputs and all cases, says how many connections it rests on
//! and how likely chance alone would make it, and gives its cases a sign that is weighed with their own.

mod chance;
mod prefixes;
mod resets;
mod retries;
mod starttls;
#[cfg(test)]
mod testing;

use std::net::IpAddr;

use crate::cause::decide::{OWN_RESET_LIKELY, groups};
use crate::cause::signs::{Rule, Sign};
use crate::cause::{Evidence, PointsAt, Strength};
use crate::maillog::MailLog;
use crate::net::{Role, canonical};
use crate::smtp::Session;

/// The rules of the signs that patterns give to their cases.
pub const RULES: &[&Rule] = &[
    &retries::SAME_OCTET,
    &retries::SAME_OCTET_UNDER_TLS,
    &retries::GOT_THROUGH,
    &resets::SAME_RESET,
    &starttls::UNUSUALLY_PLAIN,
];

/// Patterns of one kind that are reported, those least likely by chance.
pub const MAX_PATTERNS: usize = 32;

/// What chance alone makes more often than that is called no pattern, and gives no sign.
pub const MAX_CHANCE: f64 = 0.2;

/// All that patterns are read from.
#[derive(Debug, Clone, Copy)]
pub struct Set<'a> {
    /// The connections of the inputs, in the order of time.
    pub sessions: &'a [Session],
    /// The cases whose connection was found.
    pub members: &'a [Member<'a>],
    /// The log, for what it says of messages that are no cases.
    pub log: &'a MailLog,
}

/// One case whose connection was found.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The case's place in the list of cases.
    pub case: usize,
    /// Its connection's place in [`Set::sessions`].
    pub session: usize,
    /// Its transaction's place in that connection.
    pub transaction: Option<usize>,
    /// Whether it is about a message or connection that did not end well.
    pub is_abort: bool,
    /// Its evidence.
    pub evidence: Evidence<'a>,
    /// The signs of its own connection.
    pub signs: &'a [Sign],
}

/// What a set of connections shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its name, in snake case.
    pub name: &'static str,
    /// In a sentence.
    pub detail: String,
    /// How many connections show it.
    pub count: u64,
    /// An upper bound of the probability that it is chance, corrected for how many were looked at.
    pub chance: f64,
    /// What [`Self::chance`] supposes, as the rest of "if ...".
    pub supposing: &'static str,
    /// The places of the cases that it rests on, ascending.
    pub cases: Vec<usize>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Signs, each with the place of its case.
    pub signs: Vec<(usize, Sign)>,
}

impl Found {
    /// Adds the patterns of one kind, the least likely first, at most [`MAX_PATTERNS`] of them.
    fn extend(&mut self, mut patterns: Vec<Pattern>) {
        patterns.sort_by(|one, other| one.chance.total_cmp(&other.chance));
        patterns.truncate(MAX_PATTERNS);
        self.patterns.extend(patterns);
    }
}

/// Reads every pattern.
pub fn patterns(set: &Set<'_>) -> Found {
    let mut found = Found::default();
    retries::read(set, &mut found);
    resets::read(set, &mut found);
    starttls::read(set, &mut found);
    prefixes::read(set, &mut found);
    found
}

impl<'a> Set<'a> {
    /// The connections in which mail came in, with their places: those to an appliance of the cases.
    fn injections(&self) -> impl Iterator<Item = (usize, &'a Session)> + use<'a> {
        let mut appliances: Vec<IpAddr> = self
            .members
            .iter()
            .filter(|member| member.evidence.leg.appliance() == Role::Server)
            .map(|member| canonical(member.evidence.session.server().ip))
            .collect();
        appliances.sort_unstable();
        appliances.dedup();
        let sessions = self.sessions.iter().enumerate();
        sessions.filter(move |(_, session)| appliances.binary_search(&canonical(session.server().ip)).is_ok())
    }

    /// The cases in which mail came in.
    fn received(&self) -> impl Iterator<Item = &'a Member<'a>> + Clone + use<'a> {
        self.members.iter().filter(|member| member.evidence.leg.appliance() == Role::Server)
    }
}

impl Member<'_> {
    /// Whether signs of its own already show that the sender itself ended it: a strong one, or as many independent
    /// marks as make its own reset likely.
    fn is_the_senders_own(&self) -> bool {
        let own = || self.signs.iter().filter(|sign| sign.points_at == PointsAt::Sender);
        let marks = groups(own(), Strength::Moderate);
        marks >= OWN_RESET_LIKELY || own().any(|sign| sign.strength >= Strength::Strong)
    }
}

/// The network that an address belongs to, for grouping: its /24 or /48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Prefix(IpAddr);

impl Prefix {
    fn of(ip: IpAddr) -> Self {
        match canonical(ip) {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self([a, b, c, 0].into())
            }
            IpAddr::V6(ip) => {
                let [a, b, c, ..] = ip.segments();
                Self([a, b, c, 0, 0, 0, 0, 0].into())
            }
        }
    }
}

/// `192.0.2.0/24`.
impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, if self.0.is_ipv4() { 24 } else { 48 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_networks() {
        let shown = |ip: &str| Prefix::of(ip.parse().unwrap()).to_string();
        assert_eq!(shown("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(shown("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(shown("2001:db8:1:2::3"), "2001:db8:1::/48");
    }

    #[test]
    fn names_of_rules_are_their_own() {
        let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        names.extend(
            crate::cause::signs::FAMILIES.iter().flat_map(|family| family.rules).map(|rule| rule.name),
        );
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
