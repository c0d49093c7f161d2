//! From an investigation to the document that every format shows.

mod debug_log;
mod outside;

use std::path::PathBuf;

use crate::capture::Loss;
use crate::capture::read::InterfaceFacts;
use crate::case::Case;
use crate::cause::{self, Bearing, CauseKind, Sign};
use crate::cite::{LogRef, Moment, Notes, Severity};
use crate::investigate::{InputFacts, Investigation, Time, message_of};
use crate::join::{Doubt, Match, MatchOutcome, clock};
use crate::maillog::{Connection, Message, Stamp};
use crate::net::{Leg, Party, Role};
use crate::report::document::{
    self, Clock, ClockPair, ClockSegment, Deliveries, Document, EndingAccount, GapAccount, Input, InputNote,
    Line, LogAccount, MatchAccount, MatchEvidence, Rival, RunnerUp, SCHEMA_VERSION, SignAccount, Summary,
    TurnOf, Unlogged, WireAccount,
};
use crate::report::key_frames::key_frames;
use crate::report::words;
use crate::smtp::ending::{Context, Turn, ending};
use crate::smtp::{Ending, Session};
use crate::text::escaped;
use crate::verdict::VerdictKind;

/// Lines shown for one case.
const MAX_LINES: usize = 64;
/// Stretches listed of one log.
const MAX_SEGMENTS: usize = 1024;
/// Rivals listed for an ambiguous connection; their number is told whole.
const MAX_RIVALS: usize = 32;

/// Builds the document.
pub fn build(investigation: &Investigation) -> Document {
    let builder = Builder { investigation };
    Document {
        schema: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs: investigation.inputs.iter().map(|input| builder.input(input)).collect(),
        clocks: builder.clocks(),
        summary: builder.summary(),
        vantage: investigation.vantage,
        patterns: investigation.patterns.iter().map(pattern).collect(),
        notes: investigation.notes.clone(),
        cases: investigation
            .cases
            .iter()
            .enumerate()
            .map(|(place, case)| builder.case(place, case))
            .collect(),
        unlogged: investigation.unlogged_listed.iter().filter_map(|&index| builder.unlogged(index)).collect(),
    }
}

/// A path as shown: what is odd in it escaped.
pub fn shown_path(path: &std::path::Path) -> String {
    escaped(path.as_os_str().as_encoded_bytes())
}

/// Notes as shown.
pub fn shown_notes(notes: &Notes) -> Vec<InputNote> {
    notes
        .iter()
        .map(|note| InputNote {
            text: note.text.clone().into_owned(),
            count: note.count,
            first: note.first.map(|place| place.to_string()),
            loss: note.severity == Severity::Loss,
        })
        .collect()
}

fn pattern(pattern: &cause::Pattern) -> document::Pattern {
    document::Pattern {
        name: pattern.name.to_owned(),
        detail: pattern.detail.clone(),
        count: pattern.count,
        chance: pattern.chance,
        supposing: pattern.supposing.to_owned(),
        cases: pattern.cases.iter().map(|place| *place as u64).collect(),
    }
}

fn interface(facts: &InterfaceFacts) -> document::Interface {
    document::Interface {
        section: facts.section,
        number: facts.number,
        name: facts.name.clone(),
        description: facts.description.clone(),
        link_type: facts.link.0,
        link: facts.link.name().map(str::to_owned),
        snapshot_length: (facts.snaplen > 0).then_some(facts.snaplen),
        ticks_per_second: facts.ticks_per_second,
        filter: facts.filter.clone(),
        system: facts.system.clone(),
        hardware: facts.hardware.clone(),
        received: facts.received,
        dropped_by_interface: facts.dropped_by_interface,
        dropped_by_system: facts.dropped_by_system,
    }
}

struct Builder<'a> {
    investigation: &'a Investigation,
}

impl Builder<'_> {
    fn input(&self, input: &InputFacts) -> Input {
        Input {
            path: shown_path(&input.path),
            kind: input.kind,
            role: input.role,
            bytes: input.bytes,
            format: input.format.clone(),
            sha256: input.sha256.clone(),
            first: input.first,
            last: input.last,
            records: input.records,
            interfaces: input.interfaces.iter().map(interface).collect(),
            notes: shown_notes(&input.notes),
        }
    }

    /// One clock a log; a second head in a log begins another segment of it.
    fn clocks(&self) -> Vec<Clock> {
        let log = &self.investigation.log;
        let clocks = &self.investigation.joined.clocks;
        let mut all: Vec<Clock> = Vec::new();
        let mut last_file = None;
        for (source, reading) in log.clocks.iter().zip(clocks.readings()) {
            let segments = reading.stretches(source.last).into_iter().map(|stretch| ClockSegment {
                from: stretch.from,
                utc_offset_seconds: stretch.offset,
                source: stretch.origin,
                skew_seconds: stretch.skew.map(to_millis),
                drift_ppm: stretch.drift_ppm,
                step_not_placed: !stretch.placed,
            });
            match all.last_mut() {
                Some(clock) if last_file == Some(source.file) && clock.segments.len() < MAX_SEGMENTS => {
                    clock.segments.extend(segments);
                }
                _ => all.push(Clock {
                    log: self.log_path(source.file.0),
                    serial: source.serial.and_then(|serial| log.serials.get(usize::from(serial.0)).cloned()),
                    segments: segments.collect(),
                    explanation: reading.explanation.clone(),
                    year: reading.year.map(|year| year.first),
                    runner_up: reading.runner_up.map(|(ahead, votes)| RunnerUp {
                        ahead_seconds: to_millis(ahead),
                        votes: votes as u64,
                    }),
                    pair_count: reading.pairs as u64,
                    pairs: reading.examples.iter().map(|pair| self.clock_pair(pair)).collect(),
                }),
            }
            last_file = Some(source.file);
        }
        all
    }

    fn clock_pair(&self, pair: &clock::ClockPair) -> ClockPair {
        ClockPair {
            file: self.log_path(pair.line.file.0),
            line: pair.line.line,
            logged: pair.logged,
            capture: self.capture_path(pair.wire),
            frame: pair.wire.frame.frame,
            time: pair.wire.time,
        }
    }

    fn summary(&self) -> Summary {
        let investigation = self.investigation;
        let connections = &investigation.log.connections;
        let of = |leg| connections.iter().filter(|connection| connection.leg == leg).count() as u64;
        let matched = |leg| {
            let pairs = connections.iter().zip(&investigation.joined.matches);
            pairs
                .filter(|(connection, matched)| {
                    connection.leg == leg && matched.outcome == MatchOutcome::Matched
                })
                .count() as u64
        };
        let mut summary = Summary {
            connections: of(Leg::Injection),
            wire_connections: investigation.wire_connections,
            wire_without_icid: investigation.wire_without_icid,
            matched: matched(Leg::Injection),
            icid_zero: investigation.log.left_out.icid_zero,
            policy_aborts: investigation.log.left_out.policy_aborts,
            deliveries: Deliveries {
                connections: of(Leg::Delivery),
                matched: matched(Leg::Delivery),
                never_connected: investigation.log.left_out.dcid_zero,
                ..Deliveries::default()
            },
            ..Summary::default()
        };
        for case in &investigation.cases {
            if !case.is_abort() {
                summary.finished += 1;
                continue;
            }
            let leg = case.claim.connection.and_then(|index| connections.get(index)).map(|one| one.leg);
            let deliveries = &mut summary.deliveries;
            let (all, of_verdict) = match (leg, case.verdict.kind) {
                (Some(Leg::Delivery), VerdictKind::Confirmed) => {
                    (&mut deliveries.failed, &mut deliveries.confirmed)
                }
                (Some(Leg::Delivery), VerdictKind::Contradicted) => {
                    (&mut deliveries.failed, &mut deliveries.contradicted)
                }
                (Some(Leg::Delivery), VerdictKind::Undetermined) => {
                    (&mut deliveries.failed, &mut deliveries.undetermined)
                }
                (_, VerdictKind::Confirmed) => (&mut summary.aborted, &mut summary.confirmed),
                (_, VerdictKind::Contradicted) => (&mut summary.aborted, &mut summary.contradicted),
                (_, VerdictKind::Undetermined) => (&mut summary.aborted, &mut summary.undetermined),
            };
            *all += 1;
            *of_verdict += 1;
        }
        summary
    }

    fn case(&self, place: usize, case: &Case) -> document::Case {
        let log = &self.investigation.log;
        let connection = case.claim.connection.and_then(|index| log.connections.get(index));
        let message = message_of(log, &case.claim);
        let leg = connection.map_or(Leg::Injection, |connection| connection.leg);
        let id = connection.map(|connection| connection.id).or(message.and_then(|message| message.icid));
        let serial =
            connection.map_or(message.and_then(|message| message.serial), |connection| connection.serial);
        let session = case.matched.as_ref().and_then(|matched| self.session(matched));
        let verdict = &case.verdict;
        document::Case {
            mid: message.map(|message| message.mid),
            icid: id.filter(|_| leg == Leg::Injection),
            dcid: id.filter(|_| leg == Leg::Delivery),
            serial: serial.and_then(|serial| log.serials.get(usize::from(serial.0)).cloned()),
            leg,
            claim: case.claim.kind,
            standing: case.claim.kind.meaning().standing,
            verdict: verdict.kind,
            cause: case.cause.as_ref().map(|cause| cause.kind),
            confidence: case
                .cause
                .as_ref()
                .filter(|cause| cause.kind != CauseKind::NotVisibleHere)
                .map(|cause| cause.confidence),
            cause_reason: case.cause.as_ref().map(|cause| words::of_leg(&cause.because, leg)),
            explanation: format!(
                "The log asserts: {}.\nThe wire shows: {}.\nVerdict: {}.",
                case.claim.kind.meaning().asserts,
                verdict.shows,
                verdict.because
            ),
            evidence_for: verdict.evidence_for.clone(),
            evidence_against: verdict.evidence_against.clone(),
            missing: verdict.missing.clone(),
            next_step: case
                .cause
                .as_ref()
                .and_then(|cause| cause.next_step.as_ref())
                .map(|step| words::of_leg(step, leg)),
            log: self.log_account(case, connection, message),
            wire: session
                .zip(case.ending.as_ref())
                .map(|(session, ending)| self.wire_account(session, case.transaction, ending, leg)),
            debug_log: self.debug_log(case, leg),
            outside: self.outside(place),
            matched: self.match_account(case),
            signs: self.signs(case, leg),
        }
    }

    fn log_account(
        &self,
        case: &Case,
        connection: Option<&Connection>,
        message: Option<&Message>,
    ) -> LogAccount {
        let mut lines: Vec<LogRef> =
            connection.into_iter().flat_map(|connection| &connection.lines).copied().collect();
        lines.extend(message.into_iter().flat_map(|message| &message.lines));
        lines.push(case.claim.at.line);
        lines.sort_unstable();
        lines.dedup();
        lines.truncate(MAX_LINES);
        LogAccount {
            reason: case.claim.reason.clone(),
            remote: connection.and_then(|connection| connection.remote).map(|ip| ip.to_string()),
            local: connection.and_then(|connection| connection.local).map(|ip| ip.to_string()),
            mail_from: message.and_then(|message| message.mail_from.as_ref()).map(|(from, _)| from.clone()),
            rcpt_to: message
                .map(|message| message.rcpt_to.iter().map(|(address, _)| address.clone()).collect())
                .unwrap_or_default(),
            opened_at: connection.and_then(|connection| connection.opened.as_ref()).map(|at| self.time(at)),
            started_at: message.and_then(|message| message.started.as_ref()).map(|at| self.time(at)),
            aborted_at: Some(self.time(&case.claim.at)),
            lost: case.claim.lost,
            timers: case.timers.iter().map(ToString::to_string).collect(),
            lines: lines
                .into_iter()
                .map(|line| Line { file: self.log_path(line.file.0), line: line.line })
                .collect(),
        }
    }

    fn wire_account(
        &self,
        session: &Session,
        transaction: Option<usize>,
        ending: &Ending,
        leg: Leg,
    ) -> WireAccount {
        let transaction = transaction.and_then(|index| session.dialog.transactions.get(index));
        WireAccount {
            client: session.client(),
            server: session.server(),
            community_id: session.tuple().community_id(),
            conn_state: session.flow.conn_state.as_str().to_owned(),
            history: session.flow.history.clone(),
            ending: self.ending(ending, leg),
            stage: ending.stage,
            turn: ending.turn.map(|turn| match turn {
                Turn::Path => TurnOf::Path,
                Turn::Of(role) => match leg.party(role) {
                    Party::Sender => TurnOf::Sender,
                    Party::Appliance => TurnOf::Appliance,
                },
            }),
            waited_seconds: ending.waited,
            body_octets: transaction
                .map_or(0, |transaction| transaction.body_octets.saturating_add(transaction.body_missing)),
            gaps: self.gaps(session, leg),
            frames: key_frames(session, transaction, ending, leg, |at| self.capture_path(at)),
            encrypted: session.dialog.encryption.is_some(),
        }
    }

    fn ending(&self, ending: &Ending, leg: Leg) -> EndingAccount {
        EndingAccount {
            kind: ending.kind,
            by: ending.by.map(|role| leg.party(role)),
            why: ending.why,
            form: ending.form,
            code: ending.code,
            inferred: ending.inferred,
            race: ending.race,
            crossed: ending.crossed,
            capture: ending.at.map(|at| self.capture_path(at)),
            frame: ending.at.map(|at| at.frame.frame),
            time: ending.at.map(|at| at.time),
        }
    }

    fn gaps(&self, session: &Session, leg: Leg) -> Vec<GapAccount> {
        session
            .dialog
            .gaps
            .iter()
            .map(|(role, gap)| GapAccount {
                by: leg.party(*role),
                offset: gap.offset,
                octets: gap.length,
                acknowledged: gap.loss == Loss::Capture,
                capture: self.capture_path(gap.at),
                frame: gap.at.frame.frame,
            })
            .collect()
    }

    fn match_account(&self, case: &Case) -> MatchAccount {
        let Some(matched) = &case.matched else {
            return MatchAccount {
                outcome: MatchOutcome::NotFound,
                score: None,
                margin: None,
                evidence: Vec::new(),
                rivals: Vec::new(),
                explanation: "no line of the log names the connection".to_owned(),
            };
        };
        let explanation = match matched.outcome {
            MatchOutcome::Matched => match matched.candidates {
                0 | 1 => "no other connection is in reach of its address and time".to_owned(),
                count => {
                    format!("{count} connections are in reach of its address and time; this one fits best")
                }
            },
            MatchOutcome::Ambiguous if matched.doubt == Some(Doubt::Crowd) => format!(
                "it may be any of {} connections, too many to weigh; the likeliest of some is shown",
                matched.candidates
            ),
            MatchOutcome::Ambiguous if matched.rivals.is_empty() => {
                "it may be this connection; what is missing stands with the verdict".to_owned()
            }
            MatchOutcome::Ambiguous => {
                format!("it may be any of {} connections; the likeliest is shown", matched.rivals.len() + 1)
            }
            MatchOutcome::NotFound => {
                format!("{} connections are in reach of its address and time", matched.candidates)
            }
        };
        MatchAccount {
            outcome: matched.outcome,
            score: matched.score,
            margin: matched.margin,
            evidence: matched
                .evidence
                .iter()
                .map(|piece| MatchEvidence {
                    name: piece.name.to_owned(),
                    weight: piece.weight,
                    detail: piece.detail.clone(),
                })
                .collect(),
            rivals: matched
                .rivals
                .iter()
                .take(MAX_RIVALS)
                .enumerate()
                .filter_map(|(index, rival)| {
                    let session = self.investigation.sessions.get(rival.session)?;
                    Some(Rival {
                        client: session.client(),
                        server: session.server(),
                        community_id: session.tuple().community_id(),
                        worse_by: rival.worse_by,
                        kind: case.rival_endings.get(index).map(|ending| ending.kind),
                        capture: self.capture_path(session.flow.first),
                        frame: session.flow.first.frame.frame,
                    })
                })
                .collect(),
            explanation,
        }
    }

    fn signs(&self, case: &Case, leg: Leg) -> Vec<SignAccount> {
        let bearings = case.cause.as_ref().map_or(&[][..], |cause| &cause.bearings);
        let bearings = bearings.iter().copied().chain(std::iter::repeat(Bearing::Aside));
        case.signs.iter().zip(bearings).map(|(sign, bearing)| self.sign(sign, bearing, leg)).collect()
    }

    fn sign(&self, sign: &Sign, bearing: Bearing, leg: Leg) -> SignAccount {
        SignAccount {
            name: sign.rule.name.to_owned(),
            points_at: sign.points_at,
            strength: sign.strength,
            bearing,
            numbers: sign.numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect(),
            frames: sign
                .frames
                .iter()
                .map(|frame| document::Frame { capture: self.path_of(frame.capture.0), frame: frame.frame })
                .collect(),
            detail: words::of_leg(&sign.detail, leg),
        }
    }

    fn unlogged(&self, index: usize) -> Option<Unlogged> {
        let session = self.investigation.sessions.get(index)?;
        let context =
            Context { appliance: Role::Server, silence: self.investigation.plan.silence, aborted_at: None };
        let ending = ending(session, session.last_open_transaction(), &context);
        Some(Unlogged {
            client: session.client(),
            server: session.server(),
            community_id: session.tuple().community_id(),
            first: session.flow.first.time,
            last: session.flow.last.time,
            stage: ending.stage,
            ending: self.ending(&ending, Leg::Injection),
        })
    }

    fn session(&self, matched: &Match) -> Option<&Session> {
        self.investigation.sessions.get(matched.session?)
    }

    fn time(&self, stamp: &Stamp) -> Time {
        match self.investigation.joined.clocks.as_logged(stamp) {
            Some(utc) => Time::Utc(utc),
            None => Time::Local(stamp.time),
        }
    }

    fn capture_path(&self, at: Moment) -> String {
        self.path_of(at.frame.capture.0)
    }

    fn path_of(&self, capture: u16) -> String {
        path_at(&self.investigation.capture_paths, capture)
    }

    fn log_path(&self, log: u16) -> String {
        path_at(&self.investigation.log_paths, log)
    }
}

/// A stamp is a whole second: no fit is better than milliseconds.
fn to_millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn path_at(paths: &[PathBuf], index: u16) -> String {
    paths.get(usize::from(index)).map(|path| shown_path(path)).unwrap_or_default()
}
