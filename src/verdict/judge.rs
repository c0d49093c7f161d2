//! One case judged: the rule of the table, and everything that must be said beside it.

use crate::capture::{CloseKind, Side};
use crate::maillog::{ClaimKind, Lost};
use crate::net::{Leg, Party, Role};
use crate::smtp::ending::{Ending, Turn};
use crate::smtp::{EndingKind, Outcome, Session, Transaction, Verb};
use crate::time::{Span, Timestamp};
use crate::verdict::table::{CodeSeen, Situation, rule};
use crate::verdict::timers::Fit;
use crate::verdict::{VerdictKind, words};

/// An ending that lies further behind the logged time than this is not what the log saw: its stamp's
/// second, the lag of its writing, and a little for clocks.
const MAX_BEHIND_LOG: Span = Span::from_seconds(10);
/// A gap in the stream of the sender this close to the end of the transaction's octets counts as near.
const NEAR_END_OCTETS: u64 = 64 * 1024;

/// What a verdict is made from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the log claims.
    pub claim: ClaimKind,
    /// The reply code that it cites.
    pub code: Option<u16>,
    /// Whether it says `lost`.
    pub lost: Lost,
    /// When it says that it ended, on the wire's clock.
    pub ended_at: Option<Timestamp>,
    /// Which way the mail went.
    pub leg: Leg,
    /// The connection.
    pub session: &'a Session,
    /// The transaction in it, where the claim is about a message that was found.
    pub transaction: Option<&'a Transaction>,
    /// How it ended.
    pub ending: &'a Ending,
    /// By the log, every recipient of the message was refused.
    pub all_refused: bool,
    /// Timers that fit.
    pub timers: &'a [Fit],
}

/// The wire's judgement on a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Confirmed, contradicted or undetermined.
    pub kind: VerdictKind,
    /// What the wire shows.
    pub shows: String,
    /// Which words agree or clash.
    pub because: String,
    /// What speaks for the verdict.
    pub evidence_for: Vec<String>,
    /// What speaks against it.
    pub evidence_against: Vec<String>,
    /// What is missing to say more; never empty where the verdict is undetermined.
    pub missing: Vec<String>,
}

impl Verdict {
    /// A verdict that cannot be given, for want of a connection on the wire.
    pub fn without_wire(shows: impl Into<String>, missing: Vec<String>) -> Self {
        Self {
            kind: VerdictKind::Undetermined,
            shows: shows.into(),
            because: "the log's words can be neither confirmed nor contradicted without the connection"
                .to_owned(),
            evidence_for: Vec::new(),
            evidence_against: Vec::new(),
            missing,
        }
    }
}

/// Judges one claim by the connection that it is about.
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let ending = evidence.ending;
    let situation = Situation {
        claim: evidence.claim,
        lost: evidence.lost,
        ending: ending.kind,
        by: ending.by.map(|role| evidence.leg.party(role)),
        why: ending.why,
        race: ending.race,
        by_rset: matches!(
            evidence.transaction.map(|transaction| &transaction.outcome),
            Some(Outcome::Abandoned { by: Verb::Rset, .. })
        ),
        whole: is_whole(evidence),
        code: code_seen(evidence),
        far_reset: far_sent(evidence, CloseKind::Rst),
        far_fin: far_sent(evidence, CloseKind::Fin),
        far_owed: match ending.turn {
            Some(Turn::Of(role)) => evidence.leg.party(role) == Party::Sender,
            Some(Turn::Path) => true,
            None => false,
        },
    };
    let shows = words::wire_shows(ending, evidence.transaction, evidence.leg);
    let Some(rule) = rule(&situation) else {
        return Verdict::without_wire(shows, vec!["no rule for this pair of claim and ending".to_owned()]);
    };
    let mut verdict = Verdict {
        kind: rule.verdict,
        shows,
        because: rule.because.to_owned(),
        evidence_for: Vec::new(),
        evidence_against: Vec::new(),
        missing: if rule.missing.is_empty() { Vec::new() } else { vec![rule.missing.to_owned()] },
    };
    verdict
        .missing
        .extend(ending.missing.iter().filter(|_| verdict.kind == VerdictKind::Undetermined).cloned());
    if verdict.kind == VerdictKind::Contradicted && ending.inferred {
        withdraw(
            &mut verdict,
            "the ending is inferred, not read, so it contradicts nothing",
            "the commands in clear",
        );
    }
    if verdict.kind != VerdictKind::Undetermined && ending.may_be_quit {
        withdraw(
            &mut verdict,
            match evidence.leg {
                Leg::Injection => {
                    "the client's last record is as long as a QUIT, which would change the verdict"
                }
                Leg::Delivery => {
                    "the appliance's last record is as long as a QUIT, which would change the verdict"
                }
            },
            "the commands in clear",
        );
    }
    if verdict.kind != VerdictKind::Undetermined && ending.inferred && evidence.all_refused {
        withdraw(
            &mut verdict,
            "by the log itself every recipient was refused; what it calls the end of such a message is not known",
            "the vendor's words for a message without recipients",
        );
    }
    weigh_time(evidence, &mut verdict);
    weigh_details(evidence, &mut verdict);
    verdict
}

/// Whether a close of this kind bears the far end's address and came before the appliance's own: what
/// comes later its program no longer meets.
fn far_sent(evidence: &Evidence<'_>, kind: CloseKind) -> bool {
    let far = match evidence.leg.appliance() {
        Role::Server => Side::Originator,
        Role::Client => Side::Responder,
    };
    let closes = &evidence.session.flow.closes.all;
    let own = closes.iter().filter(|close| close.by != far).map(|close| close.at).min();
    closes.iter().any(|close| close.kind == kind && close.by == far && own.is_none_or(|own| close.at < own))
}

/// Whether the reply that the log cites was given on the wire: to the message, or where there was no
/// MAIL to the connection.
fn code_seen(evidence: &Evidence<'_>) -> CodeSeen {
    let Some(cited) = evidence.code else { return CodeSeen::NoneCited };
    let dialog = &evidence.session.dialog;
    let of_message = evidence.transaction.into_iter().flat_map(|transaction| {
        let recipients = transaction.recipients.iter().map(|recipient| recipient.reply);
        [transaction.mail_reply, transaction.data_reply]
            .into_iter()
            .chain(recipients)
            .flatten()
            .map(|(code, _)| code)
            .chain(transaction.end_reply.as_ref().map(|reply| reply.code))
    });
    let spoken = [&dialog.greeting, &dialog.last_reply];
    let of_connection = spoken.into_iter().flatten().filter(|_| evidence.transaction.is_none());
    let mut seen = of_message
        .chain(of_connection.map(|reply| reply.code))
        .chain(dialog.unsolicited.as_ref().map(|reply| reply.code))
        .chain(evidence.ending.code);
    if seen.any(|code| code.0 == cited) { CodeSeen::Seen } else { CodeSeen::NotSeen }
}

/// No gap near the end of what the claim is about, and the end is in the file.
fn is_whole(evidence: &Evidence<'_>) -> bool {
    let session = evidence.session;
    let sender = match evidence.leg.appliance() {
        Role::Server => &session.flow.streams.originator,
        Role::Client => &session.flow.streams.responder,
    };
    let near = sender.end.saturating_sub(NEAR_END_OCTETS);
    let gap_near_end = sender.gaps.iter().any(|gap| gap.offset.saturating_add(gap.length) >= near);
    let gaps_beyond_memory = sender.gaps.len() == crate::capture::StreamFacts::MAX_GAPS;
    !gap_near_end && !gaps_beyond_memory && !session.dialog.lost_in_gap && evidence.ending.covered
}

fn withdraw(verdict: &mut Verdict, why: &str, missing: &str) {
    verdict.kind = VerdictKind::Undetermined;
    verdict.evidence_for.push(std::mem::take(&mut verdict.because));
    verdict.because = why.to_owned();
    verdict.missing.push(missing.to_owned());
}

/// An ending that came well after the log had written the abort is not what the log saw.
fn weigh_time(evidence: &Evidence<'_>, verdict: &mut Verdict) {
    let (Some(logged), Some(at)) = (evidence.ended_at, evidence.ending.at) else { return };
    let behind = at.time.since(logged);
    let is_event = !matches!(evidence.ending.kind, EndingKind::Silence | EndingKind::CaptureEnded);
    if !is_event || evidence.claim == ClaimKind::Unfinished {
        return;
    }
    if behind > MAX_BEHIND_LOG {
        let text = format!("this ending came {behind} after the log had written it down");
        if verdict.kind == VerdictKind::Undetermined {
            verdict.evidence_against.push(text);
        } else {
            withdraw(verdict, &text, "the ending that the log wrote down at that time");
        }
    } else if !matches!(evidence.claim, ClaimKind::Accepted | ClaimKind::Delivered)
        || evidence.ending.kind == EndingKind::Completed
    {
        verdict.evidence_for.push(match behind.nanos() {
            ..-5_000_000_000 => format!("it came {} before the log's stamp", behind.abs()),
            _ => "its time is that of the log's stamp".to_owned(),
        });
    }
}

fn weigh_details(evidence: &Evidence<'_>, verdict: &mut Verdict) {
    let ending = evidence.ending;
    let far = words::party(evidence.leg, Party::Sender);
    for fit in evidence.timers {
        let text = fit.to_string();
        match ending.kind {
            EndingKind::Silence | EndingKind::ApplianceClosed | EndingKind::ApplianceStalled => {
                verdict.evidence_for.push(text);
            }
            _ => verdict.evidence_against.push(format!("{text}: a timer may have had part in it")),
        }
    }
    if let Some(stall) = &ending.stall {
        let who = words::party(evidence.leg, evidence.leg.party(stall.on));
        let alive = if stall.tcp_alive { "its TCP still answered" } else { "nothing came from it at all" };
        let text =
            format!("before the end it had been quiet for {} on the turn of {who}; {alive}", stall.lasted);
        match (evidence.leg.party(stall.on), ending.kind) {
            (Party::Sender, EndingKind::Silence) | (Party::Appliance, EndingKind::ApplianceStalled) => {
                verdict.evidence_for.push(text);
            }
            (Party::Appliance, EndingKind::Fin | EndingKind::Rst | EndingKind::Quit) => {
                verdict.evidence_against.push(format!("{text}: {far} may have given up waiting"));
            }
            _ => verdict.evidence_against.push(text),
        }
    }
    if ending.crossed {
        verdict
            .evidence_against
            .push("both ends closed within a round trip, neither in reaction to the other".to_owned());
    }
    if ending.reply_unacknowledged {
        let client = words::party(evidence.leg, evidence.leg.party(Role::Client));
        verdict
            .evidence_against
            .push(format!("{client} never acknowledged the 2xx: expect it to send the message again"));
    }
    if ending.turn == Some(Turn::Path) {
        let text = match evidence.leg {
            Leg::Injection => "the appliance's last reply was never acknowledged: the path lost it",
            Leg::Delivery => "the last word was never acknowledged: the path lost it, or its answer",
        };
        // No answer for want of a question is a timeout all the same.
        let list = match evidence.claim {
            ClaimKind::DeliveryTimedOut => &mut verdict.evidence_for,
            _ => &mut verdict.evidence_against,
        };
        list.push(text.to_owned());
    }
    if !is_whole(evidence) && ending.kind != EndingKind::CaptureEnded {
        verdict.evidence_against.push("octets near the end are missing from the capture".to_owned());
    }
    if verdict.kind == VerdictKind::Undetermined && verdict.missing.is_empty() {
        verdict.missing.push("the ending that the log speaks of".to_owned());
    }
}

#[cfg(test)]
mod tests;
