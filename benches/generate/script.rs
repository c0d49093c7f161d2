//! A story made into steps: who says what, what the appliance logs meanwhile, and who hangs up.

use super::flight::Sending;
use super::message::Message;
use super::rng::Rng;
use super::segment::Mark;
use super::sender::{MILLI, SECOND, Sender};
use super::story::Story;
use super::tls::Cipher;
use super::truth::{Claim, Fate, Kind, MessageFate};

/// The appliance's name.
pub(crate) const APPLIANCE: &str = "mx1.corp.example.com";
/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// TCP's handshake.
    Handshake,
    /// The appliance writes to its log.
    Log(Entry),
    /// The same, its time known.
    LogAt(Entry, i64),
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

impl Entry {
    /// Whether it takes the next ICID or MID.
    pub(crate) fn is_numbered(self) -> bool {
        matches!(self, Self::NewIcid | Self::Start(_))
    }
}

/// How far an envelope goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Upto {
    Mail,
    Rcpt,
    Data,
}

/// What follows a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    More,
    Quit,
}

/// What a sender does without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habits {
    /// MAIL, RCPT and DATA in one go.
    pub(crate) pipelining: bool,
    /// QUIT right behind the last dot, always.
    pub(crate) quit_behind_dot: bool,
}

pub(crate) const QUIT: &str = "QUIT\r\n";

/// The steps of one session, and what is true about it.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    pub(crate) sender: &'a Sender,
    pub(crate) messages: &'a [Message],
    cipher: Option<Cipher>,
    habits: Habits,
    /// QUIT was said behind the dot, which it would not have been without the oddity.
    early_quit: bool,
    pub(crate) rng: &'a mut Rng,
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
        habits: Habits,
        lookup: i64,
        rng: &'a mut Rng,
    ) -> (Vec<Step>, Fate) {
        let fate = Fate::new(messages.len());
        let mut script =
            Self { sender, messages, cipher, habits, early_quit: false, rng, steps: Vec::new(), fate };
        script.tell(story, lookup);
        (script.steps, script.fate)
    }

    /// EHLO, and TLS where the session has it.
    pub(crate) fn hello(&mut self) {
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
    pub(crate) fn envelope(&mut self, index: u8, upto: Upto) {
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
        let count = turns.len();
        if self.habits.pipelining {
            let mut all = (String::new(), Vec::new(), String::new());
            for (command, entries, reply) in turns {
                all.0 += &command;
                all.1.extend(entries);
                all.2 += &reply;
            }
            turns = vec![all];
        }
        let mut mark = Mark::Mail(index);
        if self.habits.pipelining && !self.sender.pipelining {
            // Chance is asked as often as the turns by themselves would, so that the story goes on alike.
            (1..count).for_each(|_| {
                self.rng.exponential(1.0);
                self.rng.between(1, 60);
            });
        }
        for (command, entries, reply) in turns {
            self.client(command, mark);
            mark = Mark::None;
            self.steps.push(Step::Work(self.rng.between(1, 60) * MILLI));
            self.steps.extend(entries.into_iter().map(Step::Log));
            self.server(reply);
        }
        self.fate.started(index);
    }

    /// A body up to some octet; `fin`: the last segment bears a FIN.
    pub(crate) fn body(&mut self, message: u8, until: u64, fin: bool) {
        let sending = Sending { message, from: 0, sent: 0, until, drip: None, fin };
        self.steps.push(Step::Body { sending, deadline: None });
    }

    /// A body and its dot.
    pub(crate) fn body_whole(&mut self, index: u8) {
        let until = self.messages.get(usize::from(index)).map_or(0, |message| message.body.wire_octets());
        self.body(index, until, false);
    }

    /// A body that stops somewhere inside, clear of its head and of its end; gives where.
    pub(crate) fn body_in_part(&mut self, index: u8) -> u64 {
        let octets = self.messages.get(usize::from(index)).map_or(0, |message| message.body.wire_octets());
        let until = 2_000 + self.rng.below(octets.saturating_sub(6_000));
        self.body(index, until, false);
        until
    }

    /// A whole message, accepted.
    pub(crate) fn accept(&mut self, index: u8, then: Then) {
        self.envelope(index, Upto::Data);
        self.body_whole(index);
        // Chance is asked as it would be without the oddity, so that the story goes on alike.
        let hasty = then == Then::Quit && self.sender.pipelining && self.rng.chance(0.3);
        let behind = hasty || self.habits.quit_behind_dot;
        self.early_quit = behind && !hasty && then == Then::Quit;
        if then == Then::Quit && behind {
            // QUIT behind the dot, without waiting (RFC 2920, section 3.1); `say_quit` does not say it again.
            self.steps.push(Step::Client { words: QUIT.to_owned(), think: 0, mark: Mark::Ending });
        }
        self.log(Entry::Headers(index));
        self.ponder();
        self.log(Entry::Ready(index));
        self.fate.message(index, MessageFate::accepted());
        self.steps.push(Step::Accepted(index));
    }

    /// The appliance looks at a message before it answers the dot.
    pub(crate) fn ponder(&mut self) {
        self.steps.push(Step::Work(self.rng.between(20, 400) * MILLI));
    }

    /// The log aborts a message, and this is what it claims by it and what is true.
    pub(crate) fn abort(&mut self, index: u8, claim: Claim, kind: Kind) {
        let fate = MessageFate { race: self.fate.race, ..MessageFate::aborted(claim, kind) };
        self.log(Entry::Aborted(index, fate.reason.unwrap_or_default()));
        self.fate.message(index, fate);
    }

    /// QUIT, unless it was said.
    pub(crate) fn say_quit(&mut self) {
        let said = self.steps.iter().any(|step| matches!(step, Step::Client { words, .. } if words == QUIT));
        if said && self.early_quit {
            self.rng.exponential(1.0);
        }
        if !said {
            self.client(QUIT.to_owned(), Mark::Ending);
        }
    }

    /// 221, and either end closes first.
    pub(crate) fn farewell(&mut self) {
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

    /// The sender hangs up after a while.
    pub(crate) fn client_fin(&mut self) {
        let think = self.think();
        self.steps.push(Step::ClientFin { think, mark: Mark::Ending });
    }

    /// The sender says something soon.
    pub(crate) fn client(&mut self, words: String, mark: Mark) {
        let think = self.rng.exponential(8.0) * MILLI as f64;
        self.steps.push(Step::Client { words, think: think as i64, mark });
    }

    /// The appliance says something.
    pub(crate) fn server(&mut self, words: String) {
        self.steps.push(Step::Server { words, mark: Mark::None });
    }

    /// The appliance writes to its log.
    pub(crate) fn log(&mut self, entry: Entry) {
        self.steps.push(Step::Log(entry));
    }

    /// How long somebody takes who is about to hang up.
    pub(crate) fn think(&mut self) -> i64 {
        self.rng.log_normal(2.0, 1.2).min(50.0) as i64 * SECOND / 2 + self.rng.between(1, 400) * MILLI
    }
}
