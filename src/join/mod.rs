//! The join: which flow on the wire is which ICID of the log, and which MAIL is which MID.
//!
//! The log has no TCP port and stamps whole seconds; overlapping connections of one sender are
//! normal. So every pair that content, address and time allow is found (`index`) and weighed
//! ([`evidence`], `candidates`), all connections are assigned at once ([`assign`]), and each pair
//! carries its margin: how much worse everything would be without it. Below [`MIN_MARGIN`] it is
//! ambiguous and its rivals are named. Where a margin cannot be trusted, a [`Doubt`] says why.

pub mod align;
pub mod assign;
mod candidates;
pub mod clock;
mod dark;
pub mod evidence;
mod index;
mod lag;
mod leftovers;
mod pair;
mod pools;
mod rhythm;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod voices;
mod ways;

use std::net::IpAddr;

use ahash::AHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::{Connection, MailLog};
use crate::net::Leg;
use crate::smtp::Session;

use align::Alignment;
use assign::{Assignment, Edge};
use candidates::{Candidates, Reach};
use clock::{Clocks, Zone};
use evidence::Evidence;
use leftovers::Leftovers;
use pair::Scales;
use rhythm::Rhythm;
use voices::Voices;

/// The margin, in nats, from which on a pair counts as found: odds of twenty to one.
pub const MIN_MARGIN: f64 = 3.0;

/// The worst that a rival may be, in nats, to be listed: where a verdict stands because all rivals
/// end alike, none may be missing. Odds of twenty thousand to one.
const RIVAL_MARGIN: f64 = 10.0;

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
    /// Each piece of evidence once; empty where it is not judged.
    pub evidence: Vec<Evidence>,
    /// Other flows that it may be, all of them; empty where it was found, is in a [`Doubt`], or is not
    /// judged.
    pub rivals: Vec<RivalFlow>,
    /// Flows that address and time allow; where it is not judged, those that content allows as well.
    pub candidates: usize,
    /// Why it is ambiguous, whatever the margin.
    pub doubt: Option<Doubt>,
}

/// What makes a match ambiguous beside its margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// More flows fit than are weighed; which is likeliest is shown of some only.
    Crowd,
    /// The flow found is one of a crowd that other connections may be as well.
    Contested,
    /// Around it log and captures both lack connections of its address, and nothing in it occurs only
    /// once: the true ones may be those that are missing.
    BothInPart,
    /// Only times speak for it, and nothing shows that the clocks of log and capture agree.
    ClockUnchecked,
    /// Only times and sizes speak for it, and others fit nearly as well.
    OthersFitNearlyAsWell,
    /// Only times speak for it, and the log writes some lines seconds after what they tell.
    LogLags,
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
    /// Addresses that several hosts share, by how many names they greet with, in order.
    pub pools: Vec<(IpAddr, usize)>,
}

/// Joins a log with the sessions of the captures. Rivals and evidence are worked out only for the
/// connections (by index) that `judged` names: in a crowd of equal envelopes every connection has
/// many.
pub fn join(
    log: &MailLog,
    sessions: &[Session],
    options: &Options,
    judged: impl Fn(usize) -> bool,
) -> Joined {
    let clocks = Clocks::read(log, sessions, options.zone);
    let pools = pools::pools(sessions);
    let voices = Voices::new(log, sessions);
    let scales = Scales { clocks: &clocks, options, pools: &pools, voices: &voices };
    let mut candidates = Candidates::new(log, sessions, scales);
    let mut edges: Vec<Vec<Edge>> = Vec::with_capacity(log.connections.len());
    let mut reached: Vec<(usize, bool)> = Vec::with_capacity(log.connections.len());
    for connection in &log.connections {
        let Reach { edges: found, in_reach, crowded } = candidates.of(connection);
        edges.push(found);
        reached.push((in_reach, crowded));
    }
    let mut assignment = Assignment::solve(&edges, sessions.len());
    let mut contested = candidates.crowded();
    for (index, ((_, crowded), edges)) in reached.iter_mut().zip(&edges).enumerate() {
        if assignment.is_left_out(index) {
            *crowded = true;
            for edge in edges {
                if let Some(flag) = contested.get_mut(edge.session()) {
                    *flag = true;
                }
            }
        }
    }
    let is_contested = |session: usize| contested.get(session).copied().unwrap_or(false);
    let leftovers = Leftovers::of(
        log,
        sessions,
        &clocks,
        |index| {
            assignment.right_of(index).is_none() && reached.get(index).is_some_and(|(_, crowded)| !crowded)
        },
        |session| assignment.left_of(session).is_none() && !is_contested(session),
    );
    let trust = Trust {
        sessions,
        voices: &voices,
        candidates: &candidates,
        clocks: &clocks,
        leftovers,
        rhythm: Rhythm::of(log, sessions, &clocks, options),
        contested: &contested,
    };
    let mut joined = Joined { connection_of: vec![None; sessions.len()], ..Joined::default() };
    joined.possible.extend((0..sessions.len()).filter(|&session| is_contested(session)));
    for (index, (connection, (by_content, crowded))) in log.connections.iter().zip(reached).enumerate() {
        let by_address = if judged(index) { candidates.by_address(connection) } else { None };
        let in_reach = by_address.unwrap_or(by_content);
        let messages = connection.messages.len();
        if crowded {
            let likeliest = judged(index).then(|| candidates.likeliest(connection)).flatten();
            joined.matches.push(Match {
                outcome: MatchOutcome::Ambiguous,
                doubt: Some(Doubt::Crowd),
                ..match likeliest {
                    Some(edge) => found(&candidates, connection, edge, in_reach, true),
                    None => nothing(in_reach, messages),
                }
            });
            continue;
        }
        let of_index = edges.get(index).map(Vec::as_slice).unwrap_or_default();
        let held = assignment.right_of(index);
        let margin = assignment.margin(index);
        let edge = match held {
            Some(held) => of_index.iter().find(|edge| edge.session() == held),
            // All that it may be went to others: not found, where that is beyond doubt.
            None if margin >= MIN_MARGIN && !of_index.iter().any(|edge| is_contested(edge.session())) => None,
            None => candidates::best(of_index),
        };
        let Some(edge) = edge.copied() else {
            joined.matches.push(nothing(in_reach, messages));
            continue;
        };
        let session = edge.session();
        let mut found = found(&candidates, connection, edge, in_reach, judged(index));
        found.margin = margin.is_finite().then_some(margin);
        found.doubt = match (held, sessions.get(session)) {
            (Some(_), Some(wire)) => {
                trust.doubt(connection, (session, wire), &found.alignment, of_index, margin)
            }
            _ => Some(Doubt::Contested),
        };
        if margin < MIN_MARGIN && judged(index) {
            for rival in of_index.iter().map(|edge| edge.session()).filter(|&rival| rival != session) {
                let worse_by = assignment.worse_with(index, rival);
                if worse_by < RIVAL_MARGIN {
                    let alignment = candidates.alignment(connection, rival);
                    found.rivals.push(RivalFlow { session: rival, worse_by, alignment });
                }
            }
            found.rivals.sort_by(|a, b| a.worse_by.total_cmp(&b.worse_by).then(a.session.cmp(&b.session)));
            joined.possible.extend(found.rivals.iter().map(|rival| rival.session));
        } else if margin < MIN_MARGIN {
            joined.possible.extend(of_index.iter().map(|edge| edge.session()));
        }
        joined.possible.insert(session);
        if margin >= MIN_MARGIN && found.doubt.is_none() {
            found.outcome = MatchOutcome::Matched;
            if let Some(slot) = joined.connection_of.get_mut(session) {
                *slot = Some(index);
            }
        }
        joined.matches.push(found);
    }
    drop(trust);
    drop(candidates);
    joined.pools = pools.into_iter().collect();
    joined.pools.sort_unstable();
    joined.clocks = clocks;
    joined
}

/// What tells whether a pair can be trusted.
struct Trust<'a> {
    sessions: &'a [Session],
    candidates: &'a Candidates<'a>,
    voices: &'a Voices<'a>,
    clocks: &'a Clocks,
    leftovers: Leftovers,
    rhythm: Rhythm,
    contested: &'a [bool],
}

impl Trust<'_> {
    fn doubt(
        &self,
        connection: &Connection,
        (session, wire): (usize, &Session),
        alignment: &Alignment,
        edges: &[Edge],
        margin: f64,
    ) -> Option<Doubt> {
        let far = match connection.leg {
            Leg::Injection => wire.client().ip,
            Leg::Delivery => wire.server().ip,
        };
        let at = wire.flow.first.time;
        let both_in_part = |logged| self.leftovers.on_both_sides(connection.leg, logged, far, at);
        // Without an address only what shows its content was found at all.
        let doubt = if connection.remote.is_none() {
            Doubt::BothInPart
        } else if self.contested.get(session).copied().unwrap_or(false) {
            Doubt::Contested
        } else if connection.remote.is_some_and(both_in_part) {
            Doubt::BothInPart
        } else {
            self.rhythm.doubt(connection, wire, self.clocks, margin)?
        };
        let others = edges.iter().map(|edge| edge.session()).filter(|&other| other != session);
        let others = others.filter_map(|other| self.sessions.get(other));
        let told = self.candidates.told_by_content(connection, session, alignment)
            || self.voices.tells(connection, wire, others);
        (!told).then_some(doubt)
    }
}

/// A pair whose outcome is still open.
fn found(
    candidates: &Candidates<'_>,
    connection: &Connection,
    edge: Edge,
    in_reach: usize,
    judged: bool,
) -> Match {
    let session = edge.session();
    Match {
        outcome: MatchOutcome::Ambiguous,
        session: Some(session),
        alignment: candidates.alignment(connection, session),
        score: Some(f64::from(edge.score)),
        evidence: if judged { candidates.evidence(connection, session) } else { Vec::new() },
        ..nothing(in_reach, connection.messages.len())
    }
}

fn nothing(candidates: usize, messages: usize) -> Match {
    Match {
        outcome: MatchOutcome::NotFound,
        session: None,
        alignment: Alignment { of_message: vec![None; messages], ..Alignment::default() },
        score: None,
        margin: None,
        evidence: Vec::new(),
        rivals: Vec::new(),
        candidates,
        doubt: None,
    }
}
