//! How a session goes: every ending that the generator can tell, and how often it does.

/// Declares the stories with their names on the command line and their default weights.
macro_rules! stories {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $weight:literal,)+) => {
        /// How a session goes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Story {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Story {
            /// All of them with their default weights.
            pub(crate) const ALL: &'static [(Self, u32)] = &[$((Self::$variant, $weight)),+];

            /// The name on the command line and in the truth.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

stories! {
    /// One message, accepted, QUIT.
    Deliver "deliver" 560,
    /// Several messages on one connection, QUIT.
    DeliverMany "deliver_many" 120,
    /// QUIT after RCPT, before DATA.
    QuitBeforeData "quit_before_data" 40,
    /// Call-back verification: `MAIL FROM:<>`, RCPT, QUIT.
    Callback "callback" 15,
    /// QUIT and FIN in one flight: its 221 meets a closed socket.
    QuitRace "quit_race" 6,
    /// FIN before any command.
    FinConnect "fin_connect" 10,
    /// FIN after the reply to EHLO.
    FinEhlo "fin_ehlo" 10,
    /// FIN after the reply to MAIL.
    FinMail "fin_mail" 10,
    /// FIN after the reply to RCPT.
    FinRcpt "fin_rcpt" 25,
    /// FIN inside the body.
    FinBody "fin_body" 30,
    /// FIN right after the dot; the 250 follows: delivered.
    FinAfterDot "fin_after_dot" 15,
    /// The dot stays unanswered and the sender gives up with a FIN.
    FinWaiting "fin_waiting" 6,
    /// RST inside the body.
    RstBody "rst_body" 25,
    /// RST after the reply to RCPT.
    RstRcpt "rst_rcpt" 25,
    /// Nothing at all is said; the appliance's timer.
    SilenceConnect "silence_connect" 4,
    /// Silent after the reply to MAIL; the appliance's timer.
    SilenceMail "silence_mail" 6,
    /// Silent after the reply to RCPT; the appliance's timer.
    SilenceRcpt "silence_rcpt" 10,
    /// Silent inside the body; the appliance's timer.
    SilenceBody "silence_body" 15,
    /// The reply to RCPT is never acknowledged: a path that went black.
    ReplyUnheard "reply_unheard" 5,
    /// The sender keeps saying NOOP until the timer for a first message runs out.
    TimerNoop "timer_noop" 4,
    /// Every recipient refused, QUIT.
    AllRefused "all_refused" 30,
    /// MAIL refused, QUIT: no MID.
    MailRefused "mail_refused" 8,
    /// 554 to the dot, QUIT.
    RefusedDot "refused_dot" 10,
    /// 552 to the dot for its size, QUIT.
    RefusedSize "refused_size" 6,
    /// RSET after RCPT, then another message, QUIT.
    Rset "rset" 12,
    /// The appliance is stopped while it waits: FIN.
    KilledFin "killed_fin" 4,
    /// The appliance is stopped in a body: RST.
    KilledRst "killed_rst" 4,
    /// 421 between two messages, near the total time limit.
    LimitBetween "limit_between" 3,
    /// 421 inside a body that drips, at the total time limit.
    LimitBody "limit_body" 3,
    /// Greeted with 421: too many connections.
    LimitConnections "limit_connections" 5,
    /// The log says `Receiving aborted` and `lost`; on the wire the sender said QUIT.
    FalseQuit "false_quit" 4,
    /// The log says `Receiving aborted`; on the wire the dot was answered with 250.
    FalseCompleted "false_completed" 4,
    /// The log says `Receiving aborted by sender`; on the wire a FIN without a word.
    FalseBySender "false_by_sender" 4,
}

impl Story {
    /// The story of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().map(|(story, _)| *story).find(|story| story.name() == name)
    }

    /// Whether the story needs a body that is long enough to be cut in its middle.
    pub(crate) fn cuts_the_body(self) -> bool {
        matches!(self, Self::FinBody | Self::RstBody | Self::SilenceBody | Self::KilledRst | Self::LimitBody)
    }
}

/// Which stories are told how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mix(pub(crate) Vec<(Story, u32)>);

impl Default for Mix {
    fn default() -> Self {
        Self(Story::ALL.to_vec())
    }
}

impl std::str::FromStr for Mix {
    type Err = String;

    /// `name=weight,name=weight`: only those; `+name=weight` as the first begins with the default mix.
    fn from_str(text: &str) -> Result<Self, String> {
        let (mut mix, text) = match text.strip_prefix('+') {
            Some(rest) => (Self::default().0, rest),
            None => (Vec::new(), text),
        };
        for part in text.split(',') {
            let (name, weight) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not NAME=WEIGHT"))?;
            let story = Story::named(name).ok_or_else(|| {
                let names: Vec<_> = Story::ALL.iter().map(|(story, _)| story.name()).collect();
                format!("no ending is called `{name}`; there are {}", names.join(", "))
            })?;
            let weight = weight.parse().map_err(|error| format!("`{part}`: {error}"))?;
            mix.retain(|(other, _)| *other != story);
            mix.push((story, weight));
        }
        match mix.iter().map(|(_, weight)| u64::from(*weight)).sum() {
            0u64 => Err("all weights are 0".to_owned()),
            _ => Ok(Self(mix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (story, _) in Story::ALL {
            assert_eq!(Story::named(story.name()), Some(*story));
        }
    }

    #[test]
    fn a_mix_is_only_what_it_names_unless_it_begins_with_plus() {
        let only: Mix = "rst_body=2,fin_body=1".parse().unwrap();
        assert_eq!(only.0, [(Story::RstBody, 2), (Story::FinBody, 1)]);
        let changed: Mix = "+rst_body=0".parse().unwrap();
        assert_eq!(changed.0.len(), Story::ALL.len());
        assert!(changed.0.contains(&(Story::RstBody, 0)));
        for wrong in ["", "rst_body", "rst_body=x", "nothing=1", "rst_body=0"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
