//! The join: which flow on the wire is which ICID of the log, and which MAIL is which MID.
//!
//! The log has no TCP port and stamps whole seconds; overlapping connections of one sender are
//! normal. So every pair that address and time allow is weighed ([`evidence`], [`candidates`]), all
//! connections are assigned at once ([`assign`]), and each pair carries its margin: how much worse
//! everything would be without it. Below [`MIN_MARGIN`] it is ambiguous and its rivals are named.

pub mod align;
pub mod assign;
pub mod candidates;
pub mod clock;
mod dark;
pub mod evidence;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod voices;

use std::net::IpAddr;

use ahash::AHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::MailLog;
use crate::smtp::Session;

use align::Alignment;
use assign::{Assignment, Edge};
use candidates::Candidates;
use clock::{Clocks, Zone};
use evidence::Evidence;

/// The margin, in nats, from which on a pair counts as found: odds of twenty to one.
pub const MIN_MARGIN: f64 = 3.0;

/// What the join is told beside log and wire.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The logs' zone by the user's word.
    pub zone: Option<Zone>,
    /// Addresses that differ between log and wire: (as logged, as captured).
    pub address_map: Vec<(IpAddr, IpAddr)>,
}

/// How the log's connection was found on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// How it came out.
    pub outcome: MatchOutcome,
    /// The flow (an index into the sessions): the one found, or the likeliest of several.
    pub session: Option<usize>,
    /// Which transaction of that flow each message is.
    pub alignment: Alignment,
    /// The evidence added up, in nats.
    pub score: Option<f64>,
    /// How much worse all would be without this pair, in nats.
    pub margin: Option<f64>,
    /// Each piece of evidence once.
    pub evidence: Vec<Evidence>,
    /// Other flows that it may be, all of them; empty where it was found, or is not judged.
    pub rivals: Vec<RivalFlow>,
    /// Flows that address and time allow.
    pub candidates: usize,
}

/// How a join came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchOutcome {
    /// One connection, with a margin.
    Matched,
    /// Several may be it; the rivals are listed.
    Ambiguous,
    /// None in the captures.
    NotFound,
}

/// Another flow that a connection may be.
#[derive(Debug, Clone, PartialEq)]
pub struct RivalFlow {
    /// The flow, an index into the sessions.
    pub session: usize,
    /// How much worse all would be with it, in nats.
    pub worse_by: f64,
    /// Which of its transactions each message would be.
    pub alignment: Alignment,
}

/// Everything that the join found out.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// The clocks of the log.
    pub clocks: Clocks,
    /// One match a connection, in the order of [`MailLog::connections`].
    pub matches: Vec<Match>,
    /// For each session, the connection that it was found to be.
    pub connection_of: Vec<Option<usize>>,
    /// Sessions that some connection is, or may be.
    pub possible: AHashSet<usize>,
}

/// Joins a log with the sessions of the captures. Rivals are worked out only for the connections (by
/// index) that `judged` names: in a crowd of equal envelopes every connection has hundreds.
pub fn join(
    log: &MailLog,
    sessions: &[Session],
    options: &Options,
    judged: impl Fn(usize) -> bool,
) -> Joined {
    let clocks = Clocks::read(log, sessions, options.zone);
    let candidates = Candidates::new(log, sessions, &clocks, options);
    let weighed: Vec<_> = log.connections.iter().map(|connection| candidates.of(connection)).collect();
    let edges: Vec<Vec<Edge>> = weighed
        .iter()
        .map(|(all, _)| {
            all.iter().map(|candidate| Edge { right: candidate.session, score: candidate.score }).collect()
        })
        .collect();
    let mut assignment = Assignment::solve(&edges, sessions.len());
    let mut joined = Joined { connection_of: vec![None; sessions.len()], ..Joined::default() };
    for (index, (connection, (all, in_reach))) in log.connections.iter().zip(&weighed).enumerate() {
        let Some(session) = assignment.right_of(index) else {
            joined.matches.push(not_found(*in_reach, connection.messages.len()));
            continue;
        };
        let margin = assignment.margin(index);
        let found = margin >= MIN_MARGIN;
        let mut rivals = Vec::new();
        if found {
            if let Some(slot) = joined.connection_of.get_mut(session) {
                *slot = Some(index);
            }
        } else if !judged(index) {
            joined.possible.extend(all.iter().map(|candidate| candidate.session));
        } else {
            for candidate in all.iter().filter(|candidate| candidate.session != session) {
                let worse_by = assignment.worse_with(index, candidate.session);
                if worse_by < MIN_MARGIN {
                    let alignment = candidates.alignment(connection, candidate.session);
                    rivals.push(RivalFlow { session: candidate.session, worse_by, alignment });
                }
            }
            rivals.sort_by(|a, b| a.worse_by.total_cmp(&b.worse_by).then(a.session.cmp(&b.session)));
        }
        joined.possible.insert(session);
        joined.possible.extend(rivals.iter().map(|rival| rival.session));
        joined.matches.push(Match {
            outcome: if found { MatchOutcome::Matched } else { MatchOutcome::Ambiguous },
            session: Some(session),
            alignment: candidates.alignment(connection, session),
            score: all.iter().find(|candidate| candidate.session == session).map(|candidate| candidate.score),
            margin: margin.is_finite().then_some(margin),
            evidence: candidates.evidence(connection, session),
            rivals,
            candidates: *in_reach,
        });
    }
    drop(candidates);
    joined.clocks = clocks;
    joined
}

fn not_found(candidates: usize, messages: usize) -> Match {
    Match {
        outcome: MatchOutcome::NotFound,
        session: None,
        alignment: Alignment { of_message: vec![None; messages], ..Alignment::default() },
        score: None,
        margin: None,
        evidence: Vec::new(),
        rivals: Vec::new(),
        candidates,
    }
}
