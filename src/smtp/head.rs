//! Message-ID and Subject from the head of a mail (RFC 5322 sections 2.2 and 3.6), while it passes.

use crate::smtp::line::LineSplitter;
use crate::smtp::session::Dialog;
use crate::text::Text;

/// Octets of a head that are looked at; heads of real mail stay far below.
pub const MAX_HEAD: u64 = 256 * 1024;

/// Reads a head and stops at the empty line.
#[derive(Debug, Default)]
pub struct HeadReader {
    lines: LineSplitter,
    seen: u64,
    over: bool,
    field: Option<Field>,
    message_id: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    MessageId,
    Subject,
}

/// The fields that are kept, by their names.
const FIELDS: &[(&[u8], Field)] = &[(b"Message-ID", Field::MessageId), (b"Subject", Field::Subject)];

impl HeadReader {
    /// Takes the next octets of the mail as they are on the wire.
    pub fn read(&mut self, mut octets: &[u8]) {
        if self.over {
            return;
        }
        self.seen = self.seen.saturating_add(octets.len() as u64);
        let mut lines = std::mem::take(&mut self.lines);
        while let Some(line) = lines.next(&mut octets) {
            self.line(line.bytes);
            if self.over {
                break;
            }
        }
        self.over |= self.seen > MAX_HEAD;
        if !self.over {
            self.lines = lines;
        }
    }

    /// Octets are missing here: the line that was being read is worthless, and so may be the next.
    pub fn gap(&mut self) {
        self.over = true;
        self.lines = LineSplitter::default();
    }

    /// Whether nothing more is wanted.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The Message-ID as written, blanks round it left out.
    pub fn message_id(&self) -> Option<Text> {
        value(self.message_id.as_deref())
    }

    /// The Subject, unfolded (RFC 5322 section 2.2.3), otherwise as written.
    pub fn subject(&self) -> Option<Text> {
        value(self.subject.as_deref())
    }

    fn line(&mut self, line: &[u8]) {
        // The dot that RFC 5321 section 4.5.2 adds.
        let line = line.strip_prefix(b".").unwrap_or(line);
        if line.is_empty() {
            self.over = true;
            return;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(field) = self.field {
                self.append(field, line);
            }
            return;
        }
        self.field = None;
        let Some(colon) = line.iter().position(|&octet| octet == b':') else { return };
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii_end();
        let Some((_, field)) = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            return;
        };
        // A second field of the same name is against RFC 5322 section 3.6; the first one counts.
        if self.kept(*field).is_none() {
            *self.kept(*field) = Some(Vec::new());
            self.field = Some(*field);
            self.append(*field, value.get(1..).unwrap_or_default());
        }
    }

    fn kept(&mut self, field: Field) -> &mut Option<Vec<u8>> {
        match field {
            Field::MessageId => &mut self.message_id,
            Field::Subject => &mut self.subject,
        }
    }

    fn append(&mut self, field: Field, more: &[u8]) {
        let value = self.kept(field).get_or_insert_default();
        let room = Dialog::MAX_TEXT.saturating_sub(value.len());
        value.extend_from_slice(more.get(..room).unwrap_or(more));
    }
}

fn value(kept: Option<&[u8]>) -> Option<Text> {
    kept.map(<[u8]>::trim_ascii).filter(|value| !value.is_empty()).map(Text::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(mail: &[u8], cut: usize) -> (Option<String>, Option<String>) {
        let mut head = HeadReader::default();
        for piece in mail.chunks(cut) {
            head.read(piece);
        }
        (head.message_id().map(|id| id.to_string()), head.subject().map(|subject| subject.to_string()))
    }

    #[test]
    fn folded_fields_are_unfolded_and_the_first_counts() {
        let mail = b"Received: x\r\n\tby y\r\nmessage-id:\r\n <a@b>\r\nSUBJECT : one\r\n two\r\n\tthree\r\n\
                     Subject: late\r\nMessage-IDs: no\r\n\r\nSubject: body\r\n";
        for cut in 1..mail.len() {
            let (id, subject) = fields(mail, cut);
            assert_eq!(id.as_deref(), Some("<a@b>"), "cut {cut}");
            assert_eq!(subject.as_deref(), Some("one two\\tthree"), "cut {cut}");
        }
    }

    #[test]
    fn the_body_is_not_the_head() {
        let (id, subject) = fields(b"From: a\n\nMessage-ID: <no>\nSubject: no\n", 7);
        assert_eq!((id, subject), (None, None));
    }

    #[test]
    fn an_endless_head_is_given_up() {
        let mut head = HeadReader::default();
        for _ in 0..10_000 {
            head.read(b"Subject: very\r\n and on and on and on and on and on\r\n");
        }
        assert!(head.is_over());
        assert!(head.subject().unwrap().as_bytes().len() <= Dialog::MAX_TEXT);
    }
}
