//! What the appliance does with a message that it has taken, as its log tells it: checks, scans,
//! policy, quarantine, delivery.

use std::io::Write;

use super::journal::Journal;
use super::message::Message;
use super::sender::{MILLI, SECOND};

/// Messages of the appliance's own are numbered from here, far from those that came in.
const OWN: u64 = 3_000_000_000;

/// The lines about one message, each some time after the one before it.
struct Story<'a, W> {
    journal: &'a mut Journal<W>,
    at: i64,
    /// The message by its present number: rewriting gives it another.
    mid: u64,
}

impl<W: Write> Journal<W> {
    /// Tells all that happens to a message after `ready`.
    pub(crate) fn aftermath(&mut self, at: i64, mid: u64, message: &Message) {
        let mut story = Story { journal: self, at, mid };
        story.policies();
        story.checks();
        if story.scans() && story.content() {
            story.deliver(message);
        }
    }

    /// The appliance's counters once a minute, as versions before 5.5 write them to the mail log.
    pub(super) fn status(&mut self, at: i64) {
        if at < self.status_at {
            return;
        }
        self.status_at = at + 60 * SECOND;
        let (cpu, ram) = (self.rng.below(60), self.rng.below(80));
        let dcid = self.dcid;
        self.line(
            at,
            format!("Status: CPULd {cpu} DskIO 3 RAMUtil {ram} QKUsd 0 QKFre 8388608 CrtMID 0 CrtICID 0 CrtDCID {dcid}"),
        );
    }
}

impl<W: Write> Story<'_, W> {
    /// A line so many milliseconds later.
    fn say(&mut self, low: i64, high: i64, text: String) {
        self.at += self.journal.rng.between(low, high) * MILLI;
        self.journal.line(self.at, text);
    }

    /// A line that begins with the message's number.
    fn of_mid(&mut self, low: i64, high: i64, text: &str) {
        let mid = self.mid;
        self.say(low, high, format!("MID {mid} {text}"));
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.journal.rng.chance(probability)
    }

    fn own_mid(&mut self) -> u64 {
        self.journal.own_mids += 1;
        OWN + self.journal.own_mids
    }

    fn finished(&mut self) {
        let mid = self.mid;
        self.say(0, 1, format!("Message finished MID {mid} done"));
    }

    fn policies(&mut self) {
        self.of_mid(0, 9, "matched all recipients for per-recipient policy DEFAULT in the inbound table");
        if self.chance(0.02) {
            let (mid, other) = (self.mid, self.own_mid());
            let why = "due to a per-recipient policy (Sales) in the inbound table";
            self.say(0, 2, format!("MID {mid} was split creating MID {other} {why}"));
        }
    }

    /// Who sent it.
    fn checks(&mut self) {
        if self.chance(0.5) {
            self.of_mid(1, 30, "SPF: mailfrom identity someone@sender.example Pass (v=spf1)");
            self.of_mid(0, 3, "DKIM: pass signature verified (d=sender.example s=mail i=@sender.example)");
            self.of_mid(
                0,
                3,
                "DMARC: Message from domain sender.example, DMARC pass (SPF aligned True, DKIM aligned True)",
            );
        }
        if self.chance(0.2) {
            self.of_mid(1, 90, "SDR: Consolidated Sender Threat Level: Neutral, Threat Category: N/A");
        }
    }

    /// Spam, viruses, files; `false` where the message was dropped.
    fn scans(&mut self) -> bool {
        if self.chance(0.03) {
            self.of_mid(30, 900, "using engine: CASE spam positive");
            return self.dropped("CASE");
        }
        let spam = *self.journal.rng.pick(&"negative", &["negative", "negative", "suspect", "bulk"]);
        self.of_mid(20, 900, &format!("interim verdict using engine: CASE spam {spam}"));
        self.of_mid(0, 1, &format!("using engine: CASE spam {spam}"));
        if self.chance(0.02) {
            self.of_mid(0, 2, "was too big (20971520/2097152) for scanning by CASE");
        }
        if spam == "suspect" && self.chance(0.3) {
            return self.spam_quarantine();
        }
        self.of_mid(5, 300, "interim AV verdict using Sophos CLEAN");
        if self.chance(0.01) {
            self.of_mid(0, 1, "antivirus positive 'EICAR-AV-Test'");
            return self.dropped("antivirus");
        }
        self.of_mid(0, 1, "antivirus negative ");
        if self.chance(0.25) {
            self.of_mid(1, 400, "AMP file reputation verdict : CLEAN");
            self.of_mid(0, 9, "attachment 'minutes.pdf'");
        }
        self.of_mid(1, 40, "Outbreak Filters: verdict negative");
        true
    }

    /// Filters and policies on what is in it; `false` where it went no further.
    fn content(&mut self) -> bool {
        if self.chance(0.1) {
            let mid = self.mid;
            self.of_mid(0, 3, &format!("Custom Log Entry: header X-Campaign seen in MID {mid}"));
        }
        if self.chance(0.05) {
            self.of_mid(1, 60, "DLP no violation");
        }
        if self.chance(0.02) {
            self.of_mid(0, 2, "quarantined to \"Policy\" (content filter:Executables)");
            return false;
        }
        if self.chance(0.01) {
            return self.dropped("content filter 'Macros' in the inbound table");
        }
        if self.chance(0.05) {
            let (mid, new) = (self.mid, self.own_mid());
            self.say(0, 2, format!("MID {mid} rewritten to MID {new} by add-footer filter 'Disclaimer'"));
            self.finished();
            self.mid = new;
        }
        if self.chance(0.01) {
            let (mid, copy) = (self.mid, self.own_mid());
            self.say(0, 2, format!("MID {copy} was generated based on MID {mid} by bcc filter 'Archive'"));
        }
        self.of_mid(1, 30, "queued for delivery");
        true
    }

    fn dropped(&mut self, by: &str) -> bool {
        let mid = self.mid;
        self.say(0, 1, format!("Message aborted MID {mid} Dropped by {by}"));
        self.finished();
        false
    }

    fn spam_quarantine(&mut self) -> bool {
        let (mid, rcid) = (self.mid, self.journal.rng.below(90_000) + 1);
        self.say(0, 2, format!("ISQ: Tagging MID {mid} for quarantine"));
        self.say(1, 9, format!("RPC Delivery start RCID {rcid} MID {mid} to local IronPort Spam Quarantine"));
        self.say(1, 90, format!("RPC Message done RCID {rcid} MID {mid}"));
        self.finished();
        false
    }

    fn deliver(&mut self, message: &Message) {
        let rids: Vec<_> = (0..message.accepted().count()).map(|rid| rid.to_string()).collect();
        let rids = rids.join(", ");
        self.journal.dcid += 1;
        let (dcid, mid, local) = (self.journal.dcid, self.mid, self.journal.address.clone());
        let remote = format!("10.20.0.{}", dcid % 4 + 1);
        if self.chance(0.01) {
            let text = format!(
                "Connection Error: DCID {dcid} domain: corp.example.com IP: {remote} port: 25 details: timeout \
                 interface: {local} reason: connection timed out"
            );
            self.say(30_000, 60_000, text);
            self.journal.dcid += 1;
        }
        let dcid = self.journal.dcid;
        self.say(5, 900, format!("New SMTP DCID {dcid} interface {local} address {remote} port 25"));
        if self.chance(0.4) {
            let cipher = "protocol TLSv1.2 cipher ECDHE-RSA-AES128-GCM-SHA256 for corp.example.com";
            self.say(5, 60, format!("DCID {dcid} TLS success {cipher}"));
        }
        self.say(1, 9, format!("Delivery start DCID {dcid} MID {mid} to RID [{rids}]"));
        match self.journal.rng.below(100) {
            0 => {
                let why = "4.1.0 - Unknown address error ('000', ['[Errno 54] Connection reset by peer']) []";
                self.say(20, 2_000, format!("Delayed: DCID {dcid} MID {mid} to RID 0 - {why}"));
                self.say(
                    0,
                    1,
                    format!("Message {mid} to RID [{rids}] pending till Wed Mar 11 12:00:00 2026"),
                );
            }
            1 | 2 => {
                let why = "5.1.0 - Unknown address error ('550', ['5.1.1 no such user']) []";
                self.say(20, 2_000, format!("Bounced: DCID {dcid} MID {mid} to RID 0 - {why}"));
                let bounce = self.own_mid();
                self.say(0, 1, format!("MID {bounce} was generated for bounce of MID {mid}"));
                self.say(0, 1, format!("Start MID {bounce} ICID 0"));
                self.say(0, 1, format!("MID {bounce} ICID 0 From: <>"));
                self.finished();
            }
            _ => {
                self.say(20, 2_000, format!("Message done DCID {dcid} MID {mid} to RID [{rids}] "));
                let queue_id = self.journal.rng.next() >> 24;
                self.of_mid(0, 1, &format!("RID [{rids}] Response '2.0.0 Ok: queued as {queue_id:X}'"));
                self.finished();
            }
        }
        self.say(4_000, 6_000, format!("DCID {dcid} close"));
    }
}
