//! What each story tells, ending by ending: the steps, the lines of the log, and what is true in the end.

use super::flight::Sending;
use super::script::{APPLIANCE, Answer, Entry, Script, Step, Then, Upto};
use super::segment::Mark;
use super::sender::{MILLI, SECOND};
use super::story::Story;
use super::truth::{Claim, Kind, MessageFate, Why};

/// `Timeout for Unsuccessful Inbound Connections`, `Total Time Limit for All Inbound Connections`, and the share of it
/// at which the appliance looks for a pause between messages: its defaults.
const UNSUCCESSFUL: i64 = 300 * SECOND;
const TOTAL: i64 = 900 * SECOND;
const BETWEEN: i64 = 720 * SECOND;
/// Rests of a sender that is slow but not silent: below the 60 s that count as silence.
const NOOP_EVERY: i64 = 40 * SECOND;
const DRIP_EVERY: i64 = 25 * SECOND;
/// Octets of a cut body that are at least not sent.
const CLEAR_OF_END: u64 = 4_000;
/// How long an impatient sender waits for the reply to its dot.
const PATIENCE: i64 = 61 * SECOND;

/// What it says then.
const EXCEEDED: &str = "421 Exceeded allowable connection time, disconnecting.\r\n";
const TIMED_OUT: &str = "421 Timed out waiting for successful message injection, disconnecting.\r\n";
const TOO_MANY: &str = "421 #4.4.5 Too many connections from your host.\r\n";

/// The log's `Receiving aborted` where it says `lost`, and where it does not.
const LOST: Claim = Claim::Aborted { lost: true };
const NOT_LOST: Claim = Claim::Aborted { lost: false };

impl Script<'_> {
    /// Tells a story.
    pub(crate) fn tell(&mut self, story: Story, lookup: i64) {
        self.steps.push(Step::Handshake);
        if story == Story::FinConnect {
            return self.fin_connect(lookup);
        }
        self.steps.push(Step::Work(lookup));
        self.log(Entry::NewIcid);
        self.log(Entry::Policy);
        if story == Story::LimitConnections {
            return self.limit_connections();
        }
        self.steps.push(Step::Work(self.rng.between(0, 40) * MILLI));
        self.server(format!("220 {APPLIANCE} ESMTP\r\n"));
        if story == Story::SilenceConnect {
            return self.silence(None, "greeting");
        }
        self.hello();
        match story {
            Story::Deliver | Story::DeliverMany => self.deliver(),
            Story::QuitBeforeData | Story::Callback => self.quit_with_open(Claim::BySender, Kind::Quit),
            Story::AllRefused => self.quit_with_open(Claim::BySender, Kind::Refused),
            Story::FalseQuit => self.quit_with_open(LOST, Kind::Quit),
            Story::FalseCompleted => self.denied(),
            Story::QuitRace => self.quit_race(),
            Story::FinEhlo => self.hang_up(None, "helo", LOST),
            Story::FinMail => self.hang_up(Some(Upto::Mail), "mail", LOST),
            Story::FinRcpt => self.hang_up(Some(Upto::Rcpt), "rcpt", LOST),
            Story::FalseBySender => self.hang_up(Some(Upto::Rcpt), "rcpt", Claim::BySender),
            Story::FinBody => self.hang_up(Some(Upto::Data), "body", LOST),
            Story::FinAfterDot => self.fin_after_dot(),
            Story::FinWaiting => self.fin_waiting(),
            Story::RstRcpt => self.reset(Upto::Rcpt, "rcpt"),
            Story::RstBody => self.reset(Upto::Data, "body"),
            Story::SilenceMail => self.silence(Some(Upto::Mail), "mail"),
            Story::SilenceRcpt => self.silence(Some(Upto::Rcpt), "rcpt"),
            Story::SilenceBody => self.silence(Some(Upto::Data), "body"),
            Story::ReplyUnheard => {
                self.envelope(0, Upto::Rcpt);
                self.steps.push(Step::Unheard { until: UNSUCCESSFUL });
                self.timed_out(Some(0), "rcpt", Kind::ApplianceStalled, Answer::Nothing);
            }
            Story::TimerNoop => {
                self.envelope(0, Upto::Rcpt);
                self.noops(UNSUCCESSFUL);
                self.timed_out(Some(0), "rcpt", Kind::ApplianceClosed, Answer::Fin);
            }
            Story::MailRefused => self.mail_refused(),
            Story::RefusedDot => {
                self.refuse_dot(
                    "Receiving Failed: Message loop",
                    "554 #5.4.6 Too many hops, message loop\r\n",
                );
            }
            Story::RefusedSize => self.refuse_dot(
                "Receiving Failed: Message size exceeds limit",
                "552 #5.3.4 message size exceeds limit\r\n",
            ),
            Story::Rset => self.rset(),
            Story::KilledFin => self.killed_fin(),
            Story::KilledRst => self.killed_rst(),
            Story::LimitBetween => {
                self.accept(0, Then::More);
                self.noops(BETWEEN);
                self.exceeded(None, "between");
            }
            Story::LimitBody => self.limit_body(),
            // Told before the greeting.
            Story::FinConnect | Story::LimitConnections | Story::SilenceConnect => {}
        }
    }

    fn deliver(&mut self) {
        let last = self.messages.len().saturating_sub(1) as u8;
        for index in 0..last {
            self.accept(index, Then::More);
        }
        self.accept(last, Then::Quit);
        self.quit();
    }

    /// Delivered on the wire; the log says otherwise.
    fn denied(&mut self) {
        self.envelope(0, Upto::Data);
        self.body_whole(0);
        self.log(Entry::Headers(0));
        self.ponder();
        self.log(Entry::Lost);
        self.abort(0, LOST, Kind::Completed);
        self.steps.push(Step::Accepted(0));
        self.quit();
    }

    /// QUIT after all messages are over.
    fn quit(&mut self) {
        self.fate.ends(Kind::Quit, "client", "between");
        self.say_quit();
        self.log(Entry::Close);
        self.farewell();
    }

    /// QUIT while a message is open.
    fn quit_with_open(&mut self, claim: Claim, kind: Kind) {
        self.envelope(0, Upto::Rcpt);
        self.fate.ends(Kind::Quit, "client", "rcpt");
        self.say_quit();
        if claim == LOST {
            self.log(Entry::Lost);
        }
        self.abort(0, claim, kind);
        self.log(Entry::Close);
        self.farewell();
    }

    fn quit_race(&mut self) {
        self.envelope(0, Upto::Rcpt);
        self.fate.ends(Kind::Quit, "client", "rcpt");
        self.fate.race = true;
        self.client("QUIT\r\n".to_owned(), Mark::Ending);
        self.steps.push(Step::ClientFin { think: 0, mark: Mark::None });
        self.abort(0, Claim::BySender, Kind::Quit);
        self.log(Entry::Close);
        self.server(format!("221 {APPLIANCE}\r\n"));
        self.steps.push(Step::ServerFin(Answer::Reset, Mark::Close));
    }

    fn fin_connect(&mut self, lookup: i64) {
        self.fate.ends(Kind::Fin, "client", "connect");
        let early = self.rng.chance(0.5);
        if early {
            let think = self.rng.between(1, 80) * MILLI;
            self.steps.push(Step::ClientFin { think, mark: Mark::Ending });
        }
        self.steps.push(Step::Work(lookup));
        self.log(Entry::NewIcid);
        self.log(Entry::Policy);
        if early {
            self.log(Entry::LostBeforeCommands);
        } else {
            self.fate.stage = "greeting";
            self.server(format!("220 {APPLIANCE} ESMTP\r\n"));
            self.client_fin();
            self.log(Entry::Lost);
        }
        self.log(Entry::Close);
        self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
    }

    /// The sender's FIN without a word, and what the appliance makes of it.
    fn hang_up(&mut self, upto: Option<Upto>, stage: &'static str, claim: Claim) {
        if let Some(upto) = upto {
            self.envelope(0, upto);
        }
        if upto == Some(Upto::Data) {
            self.body_in_part(0);
        }
        self.fate.ends(Kind::Fin, "client", stage);
        self.client_fin();
        self.gone(upto.map(|_| 0), claim, Kind::Fin);
        self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
    }

    fn fin_waiting(&mut self) {
        self.envelope(0, Upto::Data);
        self.body_whole(0);
        self.log(Entry::Headers(0));
        self.steps.push(Step::Work(PATIENCE));
        self.fate.ends(Kind::Fin, "client", "end_of_data");
        self.client_fin();
        self.gone(Some(0), LOST, Kind::Fin);
        self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
    }

    fn fin_after_dot(&mut self) {
        self.envelope(0, Upto::Data);
        let until = self.messages.first().map_or(0, |message| message.body.wire_octets());
        self.body(0, until, true);
        self.fate.ends(Kind::Fin, "client", "end_of_data");
        self.fate.message(0, MessageFate::accepted());
        self.log(Entry::Headers(0));
        self.ponder();
        self.log(Entry::Ready(0));
        self.steps.push(Step::Accepted(0));
        self.log(Entry::Lost);
        self.log(Entry::Close);
        let answer = *self.rng.pick(&Answer::Ack, &[Answer::Reset]);
        self.steps.push(Step::ServerFin(answer, Mark::Close));
    }

    fn reset(&mut self, upto: Upto, stage: &'static str) {
        self.envelope(0, upto);
        if upto == Upto::Data {
            self.body_in_part(0);
        }
        self.fate.ends(Kind::Rst, "client", stage);
        let think = self.think();
        self.steps.push(Step::ClientRst { think });
        self.gone(Some(0), LOST, Kind::Rst);
    }

    fn rset(&mut self) {
        self.envelope(0, Upto::Rcpt);
        self.client("RSET\r\n".to_owned(), Mark::None);
        self.abort(0, Claim::BySender, Kind::Abandoned);
        self.steps.push(Step::Server { words: "250 reset\r\n".to_owned(), mark: Mark::Reply(0) });
        self.accept(1, Then::Quit);
        self.quit();
    }

    fn mail_refused(&mut self) {
        let from = self.messages.first().map(|message| message.mail_from.clone()).unwrap_or_default();
        self.client(format!("MAIL FROM:<{from}>\r\n"), Mark::Mail(0));
        self.log(Entry::SenderRejected(0));
        let words = format!("553 #5.1.8 Domain of sender address <{from}> does not exist\r\n");
        self.steps.push(Step::Server { words, mark: Mark::Reply(0) });
        self.fate.message(0, MessageFate::never_logged(Kind::Refused));
        self.quit();
        self.fate.stage = "mail";
    }

    fn refuse_dot(&mut self, claim: &'static str, words: &str) {
        self.envelope(0, Upto::Data);
        self.body_whole(0);
        self.log(Entry::Headers(0));
        self.ponder();
        self.log(Entry::Failed(claim));
        self.abort(0, NOT_LOST, Kind::Refused);
        self.fate.claims(Claim::FailedAtDot, claim);
        self.steps.push(Step::Server { words: words.to_owned(), mark: Mark::Reply(0) });
        self.quit();
    }

    fn killed_fin(&mut self) {
        self.envelope(0, Upto::Rcpt);
        self.steps.push(Step::Work(self.rng.between(200, 9_000) * MILLI));
        self.killed("rcpt");
        self.steps.push(Step::ServerFin(Answer::Fin, Mark::Ending));
    }

    fn killed_rst(&mut self) {
        self.envelope(0, Upto::Data);
        let from = self.body_in_part(0);
        self.killed("body");
        self.steps.push(Step::ServerRst { message: 0, from });
    }

    fn killed(&mut self, stage: &'static str) {
        self.fate.ends(Kind::ApplianceClosed, "server", stage);
        self.fate.why = Some(Why::Killed);
        self.log(Entry::Killed);
        self.abort(0, NOT_LOST, Kind::ApplianceClosed);
        self.log(Entry::Close);
    }

    fn limit_connections(&mut self) {
        const CLAIM: &str = "Receiving Failed: Connection limit exceeded";
        self.fate.ends(Kind::ApplianceClosed, "server", "connect");
        self.fate.why = Some(Why::Limit);
        self.fate.claims(Claim::Failed, CLAIM);
        self.log(Entry::TooMany);
        self.log(Entry::Failed(CLAIM));
        self.log(Entry::Close);
        self.steps.push(Step::Expel { words: TOO_MANY, answer: Answer::Fin });
    }

    /// The sender says no more, and the appliance's timer for a first message runs out.
    fn silence(&mut self, upto: Option<Upto>, stage: &'static str) {
        if let Some(upto) = upto {
            self.envelope(0, upto);
        }
        if upto == Some(Upto::Data) {
            self.body_in_part(0);
        }
        let alive = self.rng.chance(0.5);
        let keep_alive = alive && self.rng.chance(0.4);
        self.steps.push(Step::Quiet { until: UNSUCCESSFUL, keep_alive });
        let answer = if alive { Answer::Fin } else { Answer::Nothing };
        self.timed_out(upto.map(|_| 0), stage, Kind::Silence, answer);
    }

    fn timed_out(&mut self, message: Option<u8>, stage: &'static str, kind: Kind, answer: Answer) {
        let by = if kind == Kind::Silence { "client" } else { "server" };
        self.fate.ends(kind, by, stage);
        self.fate.why = Some(Why::Timer);
        self.fate.claims(Claim::TimedOut, "no messages injected within timeout period");
        self.log(Entry::TimedOut);
        if let Some(index) = message {
            self.abort(index, NOT_LOST, kind);
        }
        self.log(Entry::Close);
        self.steps.push(Step::Expel { words: TIMED_OUT, answer });
    }

    fn limit_body(&mut self) {
        self.accept(0, Then::More);
        self.envelope(1, Upto::Data);
        let until = self.messages.get(1).map_or(0, |message| message.body.wire_octets() - CLEAR_OF_END);
        let sending = Sending { message: 1, from: 0, sent: 0, until, drip: Some(DRIP_EVERY), fin: false };
        self.steps.push(Step::Body { sending, deadline: Some(TOTAL) });
        self.exceeded(Some(1), "body");
    }

    fn exceeded(&mut self, message: Option<u8>, stage: &'static str) {
        self.fate.ends(Kind::ApplianceClosed, "server", stage);
        self.fate.why = Some(Why::Timer);
        self.fate.claims(Claim::Exceeded, "exceeded allowable connection time");
        self.log(Entry::Exceeded);
        if let Some(index) = message {
            self.abort(index, NOT_LOST, Kind::ApplianceClosed);
        }
        self.log(Entry::Close);
        self.steps.push(Step::Expel { words: EXCEEDED, answer: Answer::Fin });
    }

    /// The sender is gone, and the appliance notices.
    fn gone(&mut self, message: Option<u8>, claim: Claim, kind: Kind) {
        self.steps.push(Step::Work(self.rng.between(1, 20) * MILLI));
        if claim == LOST {
            self.log(Entry::Lost);
        }
        if let Some(index) = message {
            self.abort(index, claim, kind);
        }
        self.log(Entry::Close);
    }

    /// The sender stays, and says nothing that helps.
    fn noops(&mut self, until: i64) {
        let mut at = NOOP_EVERY;
        while at < until - SECOND {
            self.steps.push(Step::Quiet { until: at, keep_alive: false });
            self.client("NOOP\r\n".to_owned(), Mark::None);
            self.server("250 ok\r\n".to_owned());
            at += NOOP_EVERY;
        }
        self.steps.push(Step::Quiet { until, keep_alive: false });
    }
}
