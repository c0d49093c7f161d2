//! What the debug log adds to a verdict: evidence beside it, never another verdict. It is the word of
//! the appliance that is under examination, not of the wire.

use crate::maillog::ClaimKind;
use crate::maillog::conversation::Conversation;
use crate::testimony::Testimony;
use crate::text::Text;
use crate::verdict::{Verdict, VerdictKind};

/// Octets shown of a command.
const SHOWN: usize = 60;

impl Testimony {
    /// Adds what speaks for and against `claim`, where the wire itself shows no commands (`dark`): QUIT, or
    /// that there is none where the wire leaves it open; and that both witnesses agree.
    pub fn add_to(&self, verdict: &mut Verdict, claim: ClaimKind, conversation: &Conversation, dark: bool) {
        if let Some(compared) = self.compared.as_ref().filter(|compared| compared.agrees())
            && compared.sent.equal + compared.received.equal > 0
            && !dark
            && verdict.kind != VerdictKind::Undetermined
        {
            verdict.evidence_for.push(format!(
                "the appliance's debug log has the same octets as the wire: received {}, sent {}",
                compared.received.equal, compared.sent.equal
            ));
        }
        if dark && let Some(quit) = conversation.quit() {
            let words = format!(
                "QUIT, in line {} of the appliance's debug log: testimony of the appliance, not of the wire",
                quit.at.line.line
            );
            match (claim, verdict.kind) {
                (ClaimKind::ReceivingAbortedBySender, VerdictKind::Contradicted)
                | (ClaimKind::ReceivingAborted, VerdictKind::Confirmed) => {
                    verdict.evidence_against.push(words)
                }
                (ClaimKind::ReceivingAborted, VerdictKind::Undetermined) => {
                    verdict.evidence_against.push(format!("{words}; the log's words do not agree with it"));
                }
                (ClaimKind::ReceivingAbortedBySender | ClaimKind::ReceivingAborted, _) => {
                    verdict.evidence_for.push(words);
                }
                _ => {}
            }
        } else if dark
            && verdict.kind == VerdictKind::Undetermined
            && conversation.stream(conversation.client()).unsure.is_none()
            && let Some(last) = conversation.last_command()
        {
            let words = format!(
                "no QUIT: the last command is `{}`, in line {} of the appliance's debug log; testimony of the \
                 appliance, not of the wire",
                Text::bounded(last.text.as_bytes(), SHOWN),
                last.at.line.line
            );
            match claim {
                ClaimKind::ReceivingAborted
                | ClaimKind::RemoteClosed
                | ClaimKind::RemoteReset
                | ClaimKind::DeliveryTimedOut => verdict.evidence_for.push(words),
                ClaimKind::ReceivingAbortedBySender => verdict.evidence_against.push(words),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testimony::{Account, Compared};

    fn told(kind: VerdictKind, claim: ClaimKind, quit: bool, dark: bool) -> (usize, usize) {
        let said = if quit { "QUIT" } else { "NOOP" };
        let text = format!("Mon Mar  9 10:00:00 2026 Info: 5 Rcvd from '192.0.2.1': '{said}\\r\\n'\n");
        let input = crate::maillog::LogInput {
            id: crate::cite::LogId(0),
            reader: Box::new(std::io::Cursor::new(text.into_bytes())),
        };
        let log = crate::maillog::read_logs(vec![input], crate::maillog::ReadOptions::default());
        let same = Account { equal: 6, ..Account::default() };
        let testimony = Testimony {
            conversation: 0,
            compared: Some(Compared { sent: same.clone(), received: same }),
            not_compared: None,
            body_octets: None,
        };
        let mut verdict = Verdict { kind, ..Verdict::without_wire("", vec![]) };
        testimony.add_to(&mut verdict, claim, &log.conversations[0], dark);
        assert_eq!(verdict.kind, kind, "the table's verdict stays");
        (verdict.evidence_for.len(), verdict.evidence_against.len())
    }

    #[test]
    fn testimony_stands_beside_the_verdict() {
        use ClaimKind::{ReceivingAborted, ReceivingAbortedBySender};
        use VerdictKind::{Confirmed, Contradicted, Undetermined};
        for (kind, claim, quit, dark, expected) in [
            (Confirmed, ReceivingAborted, true, false, (1, 0)),
            (Undetermined, ReceivingAborted, true, false, (0, 0)),
            (Confirmed, ReceivingAborted, true, true, (0, 1)),
            (Contradicted, ReceivingAborted, true, true, (1, 0)),
            (Undetermined, ReceivingAborted, true, true, (0, 1)),
            (Undetermined, ReceivingAbortedBySender, true, true, (1, 0)),
            (Contradicted, ReceivingAbortedBySender, true, true, (0, 1)),
            (Confirmed, ReceivingAborted, false, true, (0, 0)),
            (Undetermined, ReceivingAborted, false, true, (1, 0)),
            (Undetermined, ReceivingAbortedBySender, false, true, (0, 1)),
            (Undetermined, ReceivingAborted, false, false, (0, 0)),
            (Undetermined, ClaimKind::RemoteClosed, false, true, (1, 0)),
            (Undetermined, ClaimKind::RemoteClosed, true, true, (0, 0)),
            (Confirmed, ClaimKind::Accepted, true, true, (0, 0)),
        ] {
            assert_eq!(told(kind, claim, quit, dark), expected, "{kind:?} {claim:?} {quit} {dark}");
        }
    }
}
