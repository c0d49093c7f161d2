//! One claim of the log, judged.

use super::Builder;
use crate::case::Case;
use crate::cause::{Bearing, CauseKind, Sign};
use crate::cite::LogRef;
use crate::investigate::message_of;
use crate::maillog::{Connection, Message};
use crate::net::Leg;
use crate::report::document::{self, Line, LogAccount, SignAccount};
use crate::report::words;

/// Lines shown for one case.
const MAX_LINES: usize = 64;

impl Builder<'_> {
    pub(super) fn case(&self, place: usize, case: &Case) -> document::Case {
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
}
