//! Gzip, member by member (RFC 1952 section 2.2), also behind damage.
//!
//! Deflate shows damage late or never: what comes out before an error is seen may be wrong, and only
//! the checksum at a member's end tells. It was handed on by then, for members are not kept as a whole; so
//! the reader says which octets are in doubt ([`Passed`]), looks for the next member and goes on there.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::Passed;

/// RFC 1952 section 2.3.1: ID1, ID2 and the only compression method in use.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Octets of a member's header that are always there.
const HEADER: usize = 10;

/// Octets read at once.
const READ_AHEAD: usize = 128 * 1024;

/// Octets kept before the place that is being read, to look for the next member in: a decoder that lost
/// its way has read into it. A stored block, which takes in whatever follows, is no longer (RFC 1951
/// section 3.2.4).
const LOOK_BACK: usize = 64 * 1024;

/// Octets of a file that are read again, at most, in search of members: headers that lead nowhere cost no
/// more than this.
const MAX_READ_AGAIN: u64 = 64 * 1024 * 1024;

/// Damaged places that are told one by one.
const MAX_TOLD: u32 = 8;

/// The content of all members, one behind the other.
///
/// Where some of it is lost, a line feed stands before the next member, so that a torn line does not run
/// into another. What else stands behind the last member is left alone and told: tape blocks and block
/// devices pad with zeros.
pub(super) struct Members<R> {
    state: State<R>,
    /// Where the member at hand begins in the packed file, and its content after unpacking.
    member: u64,
    content: u64,
    /// Octets unpacked.
    unpacked: u64,
    /// The member that broke off, until the next is found.
    broken: Option<Broken>,
    told: u32,
    /// What is to be said before anything further is given.
    to_say: Option<Passed>,
    /// What is to be given before the member at hand is read further.
    pending: Vec<u8>,
}

enum State<R> {
    /// Within a member.
    Inside(GzDecoder<Packed<R>>),
    /// Behind one.
    Between(Packed<R>),
    Over,
}

struct Broken {
    member: u64,
    error: io::Error,
}

impl<R: Read> Members<R> {
    /// Unpacks what begins with a member.
    pub(super) fn new(packed: R) -> Self {
        Self {
            state: State::Inside(GzDecoder::new(Packed::new(packed))),
            member: 0,
            content: 0,
            unpacked: 0,
            broken: None,
            told: 0,
            to_say: None,
            pending: Vec::new(),
        }
    }

    /// Leaves the member at hand, which ended, or broke off by an error.
    fn leave(&mut self, decoder: GzDecoder<Packed<R>>, error: Option<io::Error>) {
        let mut packed = decoder.into_inner();
        if let Some(error) = error {
            // A decoder that lost its way may have read into the next member, and found an end there.
            packed.go_back_to(self.member + 1);
            if is_wrong_checksum(&error) {
                let Self { member, content, unpacked, .. } = self;
                let text = format!(
                    "the gzip member at octet {member} of the packed file fails its checksum: octets \
                     {content}..{unpacked} after unpacking are doubtful"
                );
                self.say(text);
            } else {
                self.broken = Some(Broken { member: self.member, error });
            }
        }
        self.state = State::Between(packed);
    }

    /// Goes into the next member from which anything can be unpacked, however far. Where there is none,
    /// the content is over: with the error of the member that broke off, if one did.
    fn seek(&mut self, mut packed: Packed<R>) -> io::Result<()> {
        let expected = packed.furthest;
        while packed.find_header()? {
            let member = packed.offset();
            let mut decoder = GzDecoder::new(packed);
            let mut first = [0];
            match decoder.read(&mut first) {
                Ok(count) => {
                    self.say_what_is_lost(expected, member);
                    self.pending.extend(first.iter().take(count));
                    (self.member, self.content) = (member, self.unpacked);
                    self.unpacked += count as u64;
                    self.state = State::Inside(decoder);
                    return Ok(());
                }
                Err(error) if is_about_content(&error) => {
                    packed = decoder.into_inner();
                    packed.go_back_to(member + 1);
                    if member == expected {
                        self.broken.get_or_insert(Broken { member, error });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let missed = packed.gave_up.then(|| {
            format!(
                "after {} MiB of the packed file had been read again, members that begin within damage were no longer \
                 looked for",
                MAX_READ_AGAIN >> 20
            )
        });
        if let Some(Broken { member, error }) = self.broken.take() {
            let missed = missed.map_or_else(String::new, |words| format!("; {words}"));
            let text =
                format!("the gzip member at octet {member} of the packed file is damaged: {error}{missed}");
            return Err(io::Error::new(error.kind(), text));
        }
        if let Some(words) = missed {
            self.to_say = Some(Passed::loss(words));
        } else if packed.furthest > expected {
            self.to_say =
                Some(Passed::oddity("octets behind the gzip data that are no gzip are passed over"));
        }
        Ok(())
    }

    /// Says what is lost before the next member, if anything is, and parts it from what was given.
    fn say_what_is_lost(&mut self, expected: u64, next: u64) {
        if self.broken.is_some() || expected != next {
            self.pending.push(b'\n');
        }
        let text = match self.broken.take() {
            Some(Broken { member, error }) => format!(
                "the gzip member at octet {member} of the packed file is damaged ({error}): its content from octet \
                 {} after unpacking on is lost, and the last octets before that may be wrong; the file goes on \
                 with the member at octet {next}",
                self.unpacked
            ),
            None if expected < next => format!(
                "{} octets from octet {expected} of the packed file on are no gzip and are passed over; the file \
                 goes on with the member at octet {next}",
                next - expected
            ),
            None => return,
        };
        self.say(text);
    }

    fn say(&mut self, text: String) {
        self.told = self.told.saturating_add(1);
        self.to_say = Some(if self.told <= MAX_TOLD {
            Passed::loss(text)
        } else {
            Passed::loss("further damaged places of the gzip data")
        });
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(passed) = self.to_say.take() {
                return Err(passed.into());
            }
            if !self.pending.is_empty() {
                let count = self.pending.as_slice().read(buffer)?;
                self.pending.drain(..count);
                return Ok(count);
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Inside(mut decoder) => match decoder.read(buffer) {
                    Ok(0) => self.leave(decoder, None),
                    Ok(count) => {
                        self.unpacked += count as u64;
                        self.state = State::Inside(decoder);
                        return Ok(count);
                    }
                    Err(error) if is_about_content(&error) => self.leave(decoder, Some(error)),
                    Err(error) => {
                        self.state = State::Inside(decoder);
                        return Err(error);
                    }
                },
                State::Between(packed) => self.seek(packed)?,
                State::Over => return Ok(0),
            }
        }
    }
}

fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// Whether a member was unpacked to its end, and its checksum was not that of its content. The decoder
/// says so in words only.
fn is_wrong_checksum(error: &io::Error) -> bool {
    error.to_string().contains("checksum")
}

/// The packed octets, with a look back.
struct Packed<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the packed file of the octet behind the buffer's last.
    read: u64,
    /// How far it was consumed before it was gone back in.
    furthest: u64,
    read_again: u64,
    /// It was not gone back any more: what begins in octets that were read once is missed.
    gave_up: bool,
}

impl<R: Read> Packed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            buffer: vec![0; LOOK_BACK + READ_AHEAD],
            start: 0,
            end: 0,
            read: 0,
            furthest: 0,
            read_again: 0,
            gave_up: false,
        }
    }

    /// Offset in the packed file of the next octet.
    fn offset(&self) -> u64 {
        self.read - (self.end - self.start) as u64
    }

    /// Goes back to an offset that was passed, as far as the look back and its limit allow.
    fn go_back_to(&mut self, offset: u64) {
        let back = self.offset().saturating_sub(offset).min(self.start as u64);
        if self.read_again < MAX_READ_AGAIN {
            self.read_again += back;
            self.start -= back as usize;
        } else {
            self.gave_up |= back > 0;
        }
    }

    /// Goes on to what looks like the header of a member; `false` at the end of the file.
    fn find_header(&mut self) -> io::Result<bool> {
        while self.have(HEADER)? {
            let data = self.buffer.get(self.start..self.end).unwrap_or_default();
            match data.windows(HEADER).position(looks_like_header) {
                Some(at) => {
                    self.consume(at);
                    return Ok(true);
                }
                None => self.consume(data.len() - (HEADER - 1)),
            }
        }
        self.consume(self.end - self.start);
        Ok(false)
    }

    /// Whether `count` octets are left; they are in the buffer then.
    fn have(&mut self, count: usize) -> io::Result<bool> {
        while self.end - self.start < count {
            if !self.refill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads on; `false` at the end of the file.
    fn refill(&mut self) -> io::Result<bool> {
        if self.end == self.buffer.len() {
            let from = self.start.saturating_sub(LOOK_BACK);
            self.buffer.copy_within(from..self.end, 0);
            (self.start, self.end) = (self.start - from, self.end - from);
        }
        let count = self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default())?;
        self.end += count;
        self.read += count as u64;
        Ok(count > 0)
    }
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.refill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
        self.furthest = self.furthest.max(self.offset());
    }
}

/// RFC 1952 section 2.3.1: the magic number, no reserved flag, an effort and a system that are given.
fn looks_like_header(octets: &[u8]) -> bool {
    match octets {
        [id1, id2, method, flags, _, _, _, _, effort, system] => {
            [*id1, *id2, *method] == MAGIC
                && flags & 0xe0 == 0
                && matches!(effort, 0 | 2 | 4)
                && matches!(system, 0..=13 | 255)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
