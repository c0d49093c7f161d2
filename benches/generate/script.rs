//! A story made into steps: who says what, what the appliance logs meanwhile, and who hangs up.

use super::flight::Sending;
use super::message::Message;
use super::rng::Rng;
use super::sender::{MILLI, SECOND, Sender};
use super::story::Story;
use super::tcp::Mark;
use super::tls::Cipher;
use super::truth::{Claim, Fate, Kind, MessageFate, Why};

/// The appliance's name.
pub(crate) const APPLIANCE: &str = "mx1.corp.example.com";
/// `Timeout for Unsuccessful Inbound Connections`, `Total Time Limit for All Inbound Connections`, and the share of it
/// at which the appliance looks for a pause between messages: its defaults.
const UNSUCCESSFUL: i64 = 300 * SECOND;
const TOTAL: i64 = 900 * SECOND;
const BETWEEN: i64 = 720 * SECOND;
/// Rests of a sender that is slow but not silent: below the 60 s that count as silence.
const NOOP_EVERY: i64 = 40 * SECOND;
const DRIP_EVERY: i64 = 25 * SECOND;
/// How long the impatient sender waits for the reply to its dot.
const PATIENCE: i64 = 61 * SECOND;

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// TCP's handshake.
    Handshake,
    /// The appliance writes to its log.
    Log(Entry),
    /// The sender says something after thinking.
    Client { words: String, think: i64, mark: Mark },
    /// The appliance works.
    Work(i64),
    /// The appliance says something.
    Server { words: String, mark: Mark },
    /// `250 ok:  Message n accepted`.
    Accepted(u8),
    /// TLS's handshake; all later words are records.
    Tls(Cipher),
    /// A body, up to `deadline` after the connection was made.
    Body { sending: Sending, deadline: Option<i64> },
    /// The sender says nothing until that long after the connection was made.
    Quiet { until: i64, keep_alive: bool },
    /// The appliance's last words go unacknowledged until then, and are said again.
    Unheard { until: i64 },
    /// An orderly close of TLS by the appliance.
    CloseNotify,
    /// The sender's FIN.
    ClientFin { think: i64, mark: Mark },
    /// The sender's RST.
    ClientRst { think: i64 },
    /// The appliance's FIN, and what becomes of it.
    ServerFin(Answer, Mark),
    /// The appliance's RST, while more of a body is under way.
    ServerRst { message: u8, from: u64 },
    /// 421 and FIN at once.
    Expel { words: &'static str, answer: Answer },
}

/// How the sender answers the appliance's FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It had closed before.
    Ack,
    /// It closes too.
    Fin,
    /// Its socket is no more.
    Reset,
    /// Nothing comes back.
    Nothing,
}

/// A line of the log (the end of a message: several).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    NewIcid,
    Policy,
    Tls(Cipher),
    Start(u8),
    /// A message and its recipient, accepted or refused.
    To(u8, u8),
    SenderRejected(u8),
    Headers(u8),
    Ready(u8),
    Aborted(u8, &'static str),
    Lost,
    LostBeforeCommands,
    TimedOut,
    Exceeded,
    TooMany,
    Failed(&'static str),
    Killed,
    Close,
}

/// The log's two reasons.
const ABORTED: &str = "Receiving aborted";
const BY_SENDER: &str = "Receiving aborted by sender";

/// How far an envelope goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Upto {
    Mail,
    Rcpt,
    Data,
}

/// The steps of one session, and what is true about it.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    sender: &'a Sender,
    messages: &'a [Message],
    cipher: Option<Cipher>,
    rng: &'a mut Rng,
    pub(crate) steps: Vec<Step>,
    pub(crate) fate: Fate,
}

impl<'a> Script<'a> {
    /// Tells a story.
    pub(crate) fn write(
        story: Story,
        sender: &'a Sender,
        messages: &'a [Message],
        cipher: Option<Cipher>,
        lookup: i64,
        rng: &'a mut Rng,
    ) -> (Vec<Step>, Fate) {
        let fate = Fate::new(messages.len());
        let mut script = Self { sender, messages, cipher, rng, steps: Vec::new(), fate };
        script.tell(story, lookup);
        (script.steps, script.fate)
    }

    fn tell(&mut self, story: Story, lookup: i64) {
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
            return self.timer(None, "greeting", Kind::Silence);
        }
        self.hello();
        match story {
            Story::Deliver | Story::DeliverMany | Story::FalseCompleted => {
                self.deliver(story == Story::FalseCompleted);
            }
            Story::QuitBeforeData | Story::Callback => {
                self.envelope(0, Upto::Rcpt);
                self.quit_on(0, Entry::Aborted(0, BY_SENDER), Claim::BySender);
            }
            Story::FalseQuit => {
                self.envelope(0, Upto::Rcpt);
                self.fate.ends(Kind::Quit, "client", "rcpt");
                self.fate
                    .message(0, MessageFate::aborted(ABORTED, Claim::Aborted { lost: true }, Kind::Quit));
                self.say_quit();
                self.log(Entry::Lost);
                self.log(Entry::Aborted(0, ABORTED));
                self.log(Entry::Close);
                self.farewell();
            }
            Story::QuitRace => self.quit_race(),
            Story::FinEhlo => self.hang_up(None, "helo"),
            Story::FinMail => {
                self.envelope(0, Upto::Mail);
                self.hang_up(Some(0), "mail");
            }
            Story::FinRcpt | Story::FalseBySender => {
                self.envelope(0, Upto::Rcpt);
                if story == Story::FinRcpt {
                    self.hang_up(Some(0), "rcpt");
                } else {
                    self.fate.ends(Kind::Fin, "client", "rcpt");
                    self.fate.message(0, MessageFate::aborted(BY_SENDER, Claim::BySender, Kind::Fin));
                    self.client_fin();
                    self.log(Entry::Aborted(0, BY_SENDER));
                    self.log(Entry::Close);
                    self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
                }
            }
            Story::FinBody => {
                self.envelope(0, Upto::Data);
                let until = self.middle(0);
                self.body(0, until, false);
                self.hang_up(Some(0), "body");
            }
            Story::FinAfterDot => self.fin_after_dot(),
            Story::FinWaiting => {
                self.envelope(0, Upto::Data);
                self.body_whole(0);
                self.log(Entry::Headers(0));
                self.steps.push(Step::Work(PATIENCE + self.rng.between(0, 900) * MILLI));
                self.hang_up(Some(0), "end_of_data");
            }
            Story::RstRcpt | Story::RstBody => self.reset(story),
            Story::SilenceMail => {
                self.envelope(0, Upto::Mail);
                self.timer(Some(0), "mail", Kind::Silence);
            }
            Story::SilenceRcpt => {
                self.envelope(0, Upto::Rcpt);
                self.timer(Some(0), "rcpt", Kind::Silence);
            }
            Story::SilenceBody => {
                self.envelope(0, Upto::Data);
                let until = self.middle(0);
                self.body(0, until, false);
                self.timer(Some(0), "body", Kind::Silence);
            }
            Story::ReplyUnheard => {
                self.envelope(0, Upto::Rcpt);
                self.steps.push(Step::Unheard { until: UNSUCCESSFUL });
                self.expelled(Some(0), "rcpt", Kind::ApplianceStalled, Answer::Nothing);
            }
            Story::TimerNoop => {
                self.envelope(0, Upto::Rcpt);
                self.noops(UNSUCCESSFUL);
                self.expelled(Some(0), "rcpt", Kind::ApplianceClosed, Answer::Fin);
            }
            Story::AllRefused => {
                self.envelope(0, Upto::Rcpt);
                self.fate.ends(Kind::Quit, "client", "rcpt");
                self.fate.message(0, MessageFate::aborted(BY_SENDER, Claim::BySender, Kind::Refused));
                self.say_quit();
                self.log(Entry::Aborted(0, BY_SENDER));
                self.log(Entry::Close);
                self.farewell();
            }
            Story::MailRefused => self.mail_refused(),
            Story::RefusedDot => {
                self.refuse_dot("Message loop", "554 #5.4.6 Too many hops, message loop\r\n");
            }
            Story::RefusedSize => {
                self.refuse_dot("Message size exceeds limit", "552 #5.3.4 message size exceeds limit\r\n");
            }
            Story::Rset => {
                self.envelope(0, Upto::Rcpt);
                self.client("RSET\r\n".to_owned(), Mark::None);
                self.log(Entry::Aborted(0, BY_SENDER));
                self.fate.message(0, MessageFate::aborted(BY_SENDER, Claim::BySender, Kind::Abandoned));
                self.steps.push(Step::Server { words: "250 reset\r\n".to_owned(), mark: Mark::Reply(0) });
                self.accept(1, false);
                self.quit();
            }
            Story::KilledFin | Story::KilledRst => self.killed(story),
            Story::LimitBetween => {
                self.accept(0, false);
                self.noops(BETWEEN);
                self.log(Entry::Exceeded);
                self.log(Entry::Close);
                self.fate.ends(Kind::ApplianceClosed, "server", "between");
                self.fate.why = Some(Why::Timer);
                self.fate.claims(Claim::Exceeded, "exceeded allowable connection time");
                self.steps.push(Step::Expel { words: EXCEEDED, answer: Answer::Fin });
            }
            Story::LimitBody => {
                self.accept(0, false);
                self.envelope(1, Upto::Data);
                let until = self.messages.get(1).map_or(0, |message| message.body.wire_octets() - 1_000);
                let sending = Sending { message: 1, sent: 0, until, drip: Some(DRIP_EVERY), fin: false };
                self.steps.push(Step::Body { sending, deadline: Some(TOTAL) });
                self.log(Entry::Exceeded);
                self.log(Entry::Aborted(1, ABORTED));
                self.log(Entry::Close);
                self.fate.ends(Kind::ApplianceClosed, "server", "body");
                self.fate.why = Some(Why::Timer);
                self.fate.claims(Claim::Exceeded, "exceeded allowable connection time");
                let claim = Claim::Aborted { lost: false };
                self.fate.message(1, MessageFate::aborted(ABORTED, claim, Kind::ApplianceClosed));
                self.steps.push(Step::Expel { words: EXCEEDED, answer: Answer::Fin });
            }
            // Told before the greeting.
            Story::FinConnect | Story::LimitConnections | Story::SilenceConnect => {}
        }
    }

    // Endings.

    fn deliver(&mut self, denied: bool) {
        for index in 0..self.messages.len() as u8 {
            self.accept(index, denied);
        }
        if denied {
            self.log(Entry::Close);
            self.fate.ends(Kind::Quit, "client", "between");
            self.say_quit();
            self.farewell();
        } else {
            self.quit();
        }
    }

    fn quit(&mut self) {
        self.fate.ends(Kind::Quit, "client", "between");
        self.say_quit();
        self.log(Entry::Close);
        self.farewell();
    }

    /// QUIT while a message is open.
    fn quit_on(&mut self, message: u8, entry: Entry, claim: Claim) {
        self.fate.ends(Kind::Quit, "client", "rcpt");
        self.fate.message(message, MessageFate::aborted(BY_SENDER, claim, Kind::Quit));
        self.say_quit();
        self.log(entry);
        self.log(Entry::Close);
        self.farewell();
    }

    fn quit_race(&mut self) {
        self.envelope(0, Upto::Rcpt);
        self.fate.ends(Kind::Quit, "client", "rcpt");
        self.fate.race = true;
        let claim = Claim::BySender;
        self.fate
            .message(0, MessageFate { race: true, ..MessageFate::aborted(BY_SENDER, claim, Kind::Quit) });
        self.client("QUIT\r\n".to_owned(), Mark::Ending);
        self.steps.push(Step::ClientFin { think: 0, mark: Mark::None });
        self.log(Entry::Aborted(0, BY_SENDER));
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
    fn hang_up(&mut self, message: Option<u8>, stage: &'static str) {
        self.fate.ends(Kind::Fin, "client", stage);
        self.client_fin();
        self.lost(message, Kind::Fin);
        self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
    }

    fn fin_after_dot(&mut self) {
        self.envelope(0, Upto::Data);
        let until = self.messages.first().map_or(0, |message| message.body.wire_octets());
        self.body(0, until, true);
        self.fate.ends(Kind::Fin, "client", "end_of_data");
        self.fate.message(0, MessageFate::accepted());
        self.log(Entry::Headers(0));
        self.steps.push(Step::Work(self.rng.between(20, 400) * MILLI));
        self.log(Entry::Ready(0));
        self.steps.push(Step::Accepted(0));
        self.log(Entry::Lost);
        self.log(Entry::Close);
        let answer = *self.rng.pick(&Answer::Ack, &[Answer::Reset]);
        self.steps.push(Step::ServerFin(answer, Mark::Close));
    }

    fn reset(&mut self, story: Story) {
        let body = story == Story::RstBody;
        self.envelope(0, if body { Upto::Data } else { Upto::Rcpt });
        if body {
            let until = self.middle(0);
            self.body(0, until, false);
        }
        self.fate.ends(Kind::Rst, "client", if body { "body" } else { "rcpt" });
        let think = self.think();
        self.steps.push(Step::ClientRst { think });
        self.lost(Some(0), Kind::Rst);
    }

    fn killed(&mut self, story: Story) {
        let body = story == Story::KilledRst;
        self.envelope(0, if body { Upto::Data } else { Upto::Rcpt });
        let until = if body { self.middle(0) } else { 0 };
        if body {
            self.body(0, until, false);
        } else {
            self.steps.push(Step::Work(self.rng.between(200, 9_000) * MILLI));
        }
        self.log(Entry::Killed);
        self.log(Entry::Aborted(0, ABORTED));
        self.log(Entry::Close);
        self.fate.ends(Kind::ApplianceClosed, "server", if body { "body" } else { "rcpt" });
        self.fate.why = Some(Why::Killed);
        let claim = Claim::Aborted { lost: false };
        self.fate.message(0, MessageFate::aborted(ABORTED, claim, Kind::ApplianceClosed));
        self.steps.push(match body {
            true => Step::ServerRst { message: 0, from: until },
            false => Step::ServerFin(Answer::Fin, Mark::Ending),
        });
    }

    fn limit_connections(&mut self) {
        self.log(Entry::TooMany);
        self.log(Entry::Failed("Connection limit exceeded"));
        self.fate.ends(Kind::ApplianceClosed, "server", "connect");
        self.fate.why = Some(Why::Limit);
        self.fate.claims(Claim::Failed, "Receiving Failed: Connection limit exceeded");
        self.log(Entry::Close);
        self.steps.push(Step::Expel {
            words: "421 #4.4.5 Too many connections from your host.\r\n",
            answer: Answer::Fin,
        });
    }

    fn mail_refused(&mut self) {
        self.log(Entry::SenderRejected(0));
        let from = self.mail_from(0);
        self.client(format!("MAIL FROM:<{from}>\r\n"), Mark::Mail(0));
        let domain = &self.sender.domain;
        let words = format!("553 #5.1.8 Domain of sender address <{from}> does not exist: {domain}\r\n");
        self.steps.push(Step::Server { words, mark: Mark::Reply(0) });
        self.fate.message(0, MessageFate::never_logged(Kind::Refused));
        self.quit();
        self.fate.stage = "mail";
    }

    fn refuse_dot(&mut self, why: &'static str, words: &'static str) {
        self.envelope(0, Upto::Data);
        self.body_whole(0);
        self.log(Entry::Headers(0));
        self.steps.push(Step::Work(self.rng.between(20, 400) * MILLI));
        self.log(Entry::Failed(why));
        self.log(Entry::Aborted(0, ABORTED));
        self.fate.message(0, MessageFate::aborted(ABORTED, Claim::Aborted { lost: false }, Kind::Refused));
        self.fate.claims(
            Claim::FailedAtDot,
            match why {
                "Message loop" => "Receiving Failed: Message loop",
                _ => "Receiving Failed: Message size exceeds limit",
            },
        );
        self.steps.push(Step::Server { words: words.to_owned(), mark: Mark::Reply(0) });
        self.quit();
    }

    /// The sender says no more, and the appliance's timer for a first message runs out.
    fn timer(&mut self, message: Option<u8>, stage: &'static str, kind: Kind) {
        let alive = self.rng.chance(0.5);
        let keep_alive = alive && self.rng.chance(0.4);
        self.steps.push(Step::Quiet { until: UNSUCCESSFUL, keep_alive });
        let answer = if alive { Answer::Fin } else { Answer::Nothing };
        self.expelled(message, stage, kind, answer);
    }

    fn expelled(&mut self, message: Option<u8>, stage: &'static str, kind: Kind, answer: Answer) {
        let by = if kind == Kind::Silence { "client" } else { "server" };
        self.fate.ends(kind, by, stage);
        self.fate.why = Some(Why::Timer);
        self.log(Entry::TimedOut);
        self.fate.claims(Claim::TimedOut, "no messages injected within timeout period");
        if let Some(message) = message {
            self.log(Entry::Aborted(message, ABORTED));
            self.fate.message(message, MessageFate::aborted(ABORTED, Claim::Aborted { lost: false }, kind));
        }
        self.log(Entry::Close);
        self.steps.push(Step::Expel {
            words: "421 Timed out waiting for successful message injection, disconnecting.\r\n",
            answer,
        });
    }

    // Parts of a dialogue.

    fn hello(&mut self) {
        let hello = format!("EHLO {}\r\n", self.sender.helo);
        self.client(hello.clone(), Mark::None);
        let starttls = self.cipher.is_some() || self.rng.chance(0.7);
        self.extensions(starttls);
        if let Some(cipher) = self.cipher {
            self.client("STARTTLS\r\n".to_owned(), Mark::None);
            self.server("220 Go ahead with TLS\r\n".to_owned());
            self.steps.push(Step::Tls(cipher));
            self.log(Entry::Tls(cipher));
            self.client(hello, Mark::None);
            self.extensions(false);
        }
    }

    fn extensions(&mut self, starttls: bool) {
        let last = if starttls { "250-PIPELINING\r\n250 STARTTLS" } else { "250 PIPELINING" };
        self.server(format!("250-{APPLIANCE}\r\n250-8BITMIME\r\n250-SIZE 33554432\r\n{last}\r\n"));
    }

    /// MAIL, RCPTs, DATA, in one go where the sender pipelines.
    fn envelope(&mut self, index: u8, upto: Upto) {
        let Some(message) = self.messages.get(usize::from(index)) else { return };
        let from = &message.mail_from;
        let size = message.body.octets();
        let mail = match self.rng.below(3) {
            0 => format!("MAIL FROM:<{from}>\r\n"),
            1 => format!("MAIL FROM:<{from}> SIZE={size}\r\n"),
            _ => format!("MAIL FROM:<{from}> SIZE={size} BODY=8BITMIME\r\n"),
        };
        let mut turns = vec![(mail, vec![Entry::Start(index)], format!("250 sender <{from}> ok\r\n"))];
        if upto >= Upto::Rcpt {
            for (place, recipient) in message.recipients.iter().enumerate() {
                let address = &recipient.address;
                let reply = match recipient.refused {
                    true => "550 #5.1.0 Address rejected.\r\n".to_owned(),
                    false => format!("250 recipient <{address}> ok\r\n"),
                };
                turns.push((format!("RCPT TO:<{address}>\r\n"), vec![Entry::To(index, place as u8)], reply));
            }
        }
        if upto >= Upto::Data {
            turns.push(("DATA\r\n".to_owned(), Vec::new(), "354 go ahead\r\n".to_owned()));
        }
        if self.sender.pipelining {
            let mut all = (String::new(), Vec::new(), String::new());
            for (command, entries, reply) in turns {
                all.0 += &command;
                all.1.extend(entries);
                all.2 += &reply;
            }
            turns = vec![all];
        }
        let mut mark = Mark::Mail(index);
        for (command, entries, reply) in turns {
            self.client(command, mark);
            mark = Mark::None;
            self.steps.push(Step::Work(self.rng.between(1, 60) * MILLI));
            self.steps.extend(entries.into_iter().map(Step::Log));
            self.server(reply);
        }
        self.fate.started(index);
    }

    fn body(&mut self, message: u8, until: u64, fin: bool) {
        let sending = Sending { message, sent: 0, until, drip: None, fin };
        self.steps.push(Step::Body { sending, deadline: None });
    }

    fn body_whole(&mut self, index: u8) {
        let until = self.messages.get(usize::from(index)).map_or(0, |message| message.body.wire_octets());
        self.body(index, until, false);
    }

    /// Somewhere inside a body, clear of its head and of its end.
    fn middle(&mut self, index: u8) -> u64 {
        let octets = self.messages.get(usize::from(index)).map_or(0, |message| message.body.wire_octets());
        2_000 + self.rng.below(octets.saturating_sub(6_000))
    }

    /// A whole message, accepted; `denied`: by the log, it was not.
    fn accept(&mut self, index: u8, denied: bool) {
        self.envelope(index, Upto::Data);
        self.body_whole(index);
        let hurry = self.sender.pipelining
            && usize::from(index) + 1 == self.messages.len()
            && !denied
            && self.rng.chance(0.3);
        if hurry {
            // QUIT behind the dot, without waiting (RFC 2920, section 3.1); `say_quit` does not say it again.
            self.client_now("QUIT\r\n", Mark::Ending);
        }
        self.log(Entry::Headers(index));
        self.steps.push(Step::Work(self.rng.between(20, 400) * MILLI));
        if denied {
            self.log(Entry::Lost);
            self.log(Entry::Aborted(index, ABORTED));
            let claim = Claim::Aborted { lost: true };
            self.fate.message(index, MessageFate::aborted(ABORTED, claim, Kind::Completed));
        } else {
            self.log(Entry::Ready(index));
            self.fate.message(index, MessageFate::accepted());
        }
        self.steps.push(Step::Accepted(index));
    }

    fn say_quit(&mut self) {
        let said =
            self.steps.iter().any(|step| matches!(step, Step::Client { words, .. } if words == "QUIT\r\n"));
        if !said {
            self.client("QUIT\r\n".to_owned(), Mark::Ending);
        }
    }

    /// 221, and either end closes first.
    fn farewell(&mut self) {
        self.server(format!("221 {APPLIANCE}\r\n"));
        if self.cipher.is_some() && self.rng.chance(0.5) {
            self.steps.push(Step::CloseNotify);
        }
        if self.rng.chance(0.7) {
            self.steps.push(Step::ServerFin(Answer::Fin, Mark::Close));
        } else {
            self.steps.push(Step::ClientFin { think: 0, mark: Mark::None });
            self.steps.push(Step::ServerFin(Answer::Ack, Mark::Close));
        }
    }

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

    fn lost(&mut self, message: Option<u8>, kind: Kind) {
        self.steps.push(Step::Work(self.rng.between(1, 20) * MILLI));
        self.log(Entry::Lost);
        if let Some(index) = message {
            self.log(Entry::Aborted(index, ABORTED));
            self.fate.message(index, MessageFate::aborted(ABORTED, Claim::Aborted { lost: true }, kind));
        }
        self.log(Entry::Close);
    }

    fn client_fin(&mut self) {
        let think = self.think();
        self.steps.push(Step::ClientFin { think, mark: Mark::Ending });
    }

    fn client(&mut self, words: String, mark: Mark) {
        let think = self.rng.exponential(8.0) * MILLI as f64;
        self.steps.push(Step::Client { words, think: think as i64, mark });
    }

    fn client_now(&mut self, words: &str, mark: Mark) {
        self.steps.push(Step::Client { words: words.to_owned(), think: 0, mark });
    }

    fn server(&mut self, words: String) {
        self.steps.push(Step::Server { words, mark: Mark::None });
    }

    fn log(&mut self, entry: Entry) {
        self.steps.push(Step::Log(entry));
    }

    fn mail_from(&self, index: usize) -> String {
        self.messages.get(index).map(|message| message.mail_from.clone()).unwrap_or_default()
    }

    /// How long somebody takes who is about to hang up.
    fn think(&mut self) -> i64 {
        self.rng.log_normal(2.0, 1.2).min(50.0) as i64 * SECOND / 2 + self.rng.between(1, 400) * MILLI
    }
}

const EXCEEDED: &str = "421 Exceeded allowable connection time, disconnecting.\r\n";
