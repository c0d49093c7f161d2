//! What the debug log adds to a verdict: evidence beside it, never another verdict. It is the word of
//! the appliance that is under examination, not of the wire.

use crate::maillog::ClaimKind;
use crate::maillog::conversation::Conversation;
use crate::testimony::Testimony;
use crate::verdict::{Verdict, VerdictKind};

impl Testimony {
    /// Adds what speaks for and against `claim`, where the wire itself shows no commands (`dark`), and
    /// that both witnesses agree.
    pub fn add_to(&self, verdict: &mut Verdict, claim: ClaimKind, conversation: &Conversation, dark: bool) {
        if let Some(compared) = self.compared.as_ref().filter(|compared| compared.agrees())
            && compared.sent.equal + compared.received.equal > 0
            && !dark
            && verdict.kind != VerdictKind::Undetermined
        {
            verdict.evidence_for.push(format!(
                "the appliance's debug log has the same octets as the wire: {} received, {} sent",
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
        }
    }
}
