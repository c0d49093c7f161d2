//! Whole replies from their lines, and what is missing between them.

use super::{Capabilities, ReplyCode, ReplyLine};
use crate::cite::Moment;
use crate::smtp::session::{Dialog, ReplySeen};
use crate::text::Text;

/// A whole reply and how it stands to the client's stream.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) reply: ReplySeen,
    /// Where it begins in the server's stream.
    pub(crate) start_offset: u64,
    /// How much of the client's stream had reached the server when it began to answer.
    pub(crate) acknowledged: u64,
    /// What is missing of the server's stream since the reply before.
    pub(crate) hole: Option<Hole>,
    pub(crate) capabilities: Capabilities,
}

/// A stretch of a stream of which something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Where the first gap begins.
    pub(crate) from: u64,
    /// Where the last one ends.
    pub(crate) to: u64,
}

impl Hole {
    /// Both and what lies between.
    pub(crate) fn joined(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                Some(Self { from: one.from.min(other.from), to: one.to.max(other.to) })
            }
            (one, other) => one.or(other),
        }
    }
}

/// One line of the server's stream and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerLine<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) start_offset: u64,
    pub(crate) end_offset: u64,
    pub(crate) at: Moment,
    pub(crate) acknowledged: u64,
}

/// What a line did for the reply that is being put together.
#[derive(Debug)]
pub(crate) enum Step {
    /// The reply is whole.
    Whole(Heard),
    /// The reply before is whole, though its last line promised more; the line begins another, of
    /// which more must follow or not.
    Another(Heard, Option<Heard>),
    /// More of it must follow.
    More,
    /// The line is no reply and belongs to none.
    Foreign,
}

/// Puts replies together from their lines.
#[derive(Debug, Default)]
pub(crate) struct ReplyReader {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    text: Vec<u8>,
    lines: u32,
    code: ReplyCode,
    /// Its last line was a code and a hyphen, nothing else.
    last_was_bare: bool,
    start_offset: u64,
    end_offset: u64,
    acknowledged: u64,
    at: Moment,
    capabilities: Capabilities,
}

impl ReplyReader {
    /// Takes the next line.
    pub(crate) fn line(&mut self, line: ServerLine<'_>) -> Step {
        // In the text of an open reply, three digits of no class are text like any other.
        let parsed = match &self.open {
            Some(open) => ReplyLine::parse_any(line.bytes)
                .filter(|parsed| parsed.code.is_of_a_class() || parsed.code == open.code),
            None => ReplyLine::parse_any(line.bytes),
        };
        let Some(parsed) = parsed else {
            // Some servers break a reply's text over lines without repeating the code.
            let Some(open) = &mut self.open else { return Step::Foreign };
            open.add(line.bytes, line);
            return Step::More;
        };
        let before = self.open.take_if(|open| open.is_over_before(&parsed, line)).map(Open::finish);
        let whole = self.read(&parsed, line);
        match (before, whole) {
            (Some(before), whole) => Step::Another(before, whole),
            (None, Some(whole)) => Step::Whole(whole),
            (None, None) => Step::More,
        }
    }

    fn read(&mut self, parsed: &ReplyLine<'_>, line: ServerLine<'_>) -> Option<Heard> {
        let mut open = self.open.take().unwrap_or_else(|| Open {
            text: Vec::new(),
            lines: 0,
            code: parsed.code,
            last_was_bare: false,
            start_offset: line.start_offset,
            end_offset: line.end_offset,
            acknowledged: line.acknowledged,
            at: line.at,
            capabilities: Capabilities::default(),
        });
        open.code = parsed.code;
        open.add(parsed.text, line);
        open.last_was_bare = parsed.text.is_empty();
        if parsed.more {
            self.open = Some(open);
            None
        } else {
            Some(open.finish())
        }
    }

    /// The reply that a hole in the stream cut short: its code is known, the rest of it is not.
    pub(crate) fn cut(&mut self) -> Option<Heard> {
        self.open.take().map(Open::finish)
    }
}

impl Open {
    /// Whether the reply is over although its last line promised more: the client has gone on, and
    /// what comes now has another code (one reply has one, RFC 5321 section 4.2.1), or follows a
    /// line of nothing but `250-`. A client that waits for the rest says nothing, and one that sent
    /// its commands at once is heard at once, so a reply in several segments is not torn.
    fn is_over_before(&self, next: &ReplyLine<'_>, line: ServerLine<'_>) -> bool {
        line.acknowledged > self.acknowledged && (next.code != self.code || self.last_was_bare)
    }

    fn add(&mut self, text: &[u8], line: ServerLine<'_>) {
        if self.lines > 0 {
            self.capabilities.keyword(text);
        }
        let room = Dialog::MAX_TEXT.saturating_sub(self.text.len());
        if self.lines > 0 && room > 0 {
            self.text.push(b'\n');
        }
        let room = Dialog::MAX_TEXT.saturating_sub(self.text.len());
        self.text.extend_from_slice(text.get(..room).unwrap_or(text));
        self.lines = self.lines.saturating_add(1);
        self.end_offset = line.end_offset;
        self.at = line.at;
    }

    fn finish(self) -> Heard {
        Heard {
            reply: ReplySeen {
                code: self.code,
                text: Text::new(&self.text),
                at: self.at,
                end_offset: self.end_offset,
            },
            start_offset: self.start_offset,
            acknowledged: self.acknowledged,
            hole: None,
            capabilities: self.capabilities,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::{CaptureId, FrameRef};
    use crate::time::Timestamp;

    fn read(lines: &[&str]) -> Vec<Heard> {
        let mut reader = ReplyReader::default();
        let at =
            Moment { time: Timestamp::from_nanos(0), frame: FrameRef { capture: CaptureId(0), frame: 1 } };
        let mut offset = 0;
        let mut whole = Vec::new();
        for line in lines {
            let end = offset + line.len() as u64 + 2;
            let line = ServerLine {
                bytes: line.as_bytes(),
                start_offset: offset,
                end_offset: end,
                at,
                acknowledged: 0,
            };
            if let Step::Whole(heard) = reader.line(line) {
                whole.push(heard);
            }
            offset = end;
        }
        whole
    }

    #[test]
    fn odd_lines_are_read() {
        let rows = [
            ("250 ok", Some((250, false, "ok"))),
            ("250", Some((250, false, ""))),
            ("250-", Some((250, true, ""))),
            ("250-SIZE 1 ", Some((250, true, "SIZE 1"))),
            ("354End data", Some((354, false, "End data"))),
            ("599 never seen", Some((599, false, "never seen"))),
            ("2500 is a year", None),
            ("150 ftp", None),
            ("600 no", None),
            ("99 x", None),
            ("25", None),
            ("", None),
            ("+OK pop", None),
        ];
        for (line, expected) in rows {
            let read = ReplyLine::parse(line.as_bytes())
                .map(|line| (line.code.0, line.more, std::str::from_utf8(line.text).unwrap()));
            assert_eq!(read, expected, "{line}");
        }
    }

    #[test]
    fn where_a_reply_is_due_any_three_digits_are_one() {
        let rows = [
            ("600 no", Some((600, false))),
            ("654-more", Some((654, true))),
            ("000 x", Some((0, false))),
            ("150", Some((150, false))),
            ("999-", Some((999, true))),
            ("250", Some((250, false))),
            ("2500 x", None),
            ("99 x", None),
            ("6x0 no", None),
        ];
        for (line, expected) in rows {
            let read = ReplyLine::parse_any(line.as_bytes()).map(|line| (line.code.0, line.more));
            assert_eq!(read, expected, "{line}");
        }
        let odd = ReplyCode(600);
        assert!(!odd.is_positive() && !odd.is_intermediate() && !odd.is_negative() && !odd.is_of_a_class());
        let heard = read(&["550-we moved to", "123 Main Street", "550 here", "600-a", "600 b"]);
        let codes: Vec<_> = heard.iter().map(|heard| heard.reply.code.0).collect();
        assert_eq!(codes, [550, 600]);
    }

    #[test]
    fn keywords_are_read_from_every_line_but_the_first() {
        let heard = read(&["250-STARTTLS.example.org", "250-SIZE 1000", "250-XXXXXXXA", "250 PIPELINING"]);
        assert_eq!(heard.len(), 1);
        let offered = heard[0].capabilities;
        assert!(offered.pipelining && !offered.starttls && offered.overwritten);
        assert_eq!(offered.size, Some(1000));
        assert_eq!(
            heard[0].reply.text.as_str(),
            Some("STARTTLS.example.org\nSIZE 1000\nXXXXXXXA\nPIPELINING")
        );
        assert_eq!(heard[0].start_offset, 0);
        assert!(!read(&["250-XXXX.example", "250 XCLIENT NAME"])[0].capabilities.overwritten);
    }

    #[test]
    fn text_without_a_code_belongs_to_the_open_reply_only() {
        let heard = read(&["stray", "550-no", "such user", "550 here", "221 bye"]);
        let texts: Vec<_> = heard.iter().map(|heard| heard.reply.text.to_string()).collect();
        assert_eq!(texts, ["no\\nsuch user\\nhere", "bye"]);
    }

    #[test]
    fn an_endless_reply_stays_bounded() {
        let mut lines = vec!["250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; 10_000];
        lines.push("250 end");
        let heard = read(&lines);
        assert!(heard[0].reply.text.as_bytes().len() <= Dialog::MAX_TEXT);
    }
}
