//! Opening an input: a file or standard input, unpacked where it is gzipped.
//!
//! What a file is, is told by its first octets, never by its name: [`Input::head`] shows them
//! without taking them from [`Input::reader`]. Standard input cannot be opened twice, so whoever
//! looked at it must keep it.

mod gzip;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::cite::{Notes, Place, Severity};
use gzip::Members;

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// First octets shown in [`Input::head`] before anything is read.
pub const HEAD_LEN: usize = 4096;

/// Octets of a file that are hashed at once.
const HASHED_AT_ONCE: usize = 128 * 1024;

/// An opened input.
pub struct Input {
    /// The first [`HEAD_LEN`] octets of the content, unpacked; fewer where it is shorter or cannot
    /// be unpacked so far. The reader gives them again.
    pub head: Vec<u8>,
    /// The content from its first octet, unpacked. Where something is passed over, it gives one error
    /// that is a [`Passed`], and then goes on.
    pub reader: Box<dyn Read + Send>,
    /// Whether it is gzipped.
    pub gzipped: bool,
    /// Octets on disk, where it is a regular file: what [`Self::raw_bytes`] runs up to.
    pub raw_len: Option<u64>,
    raw_bytes: Arc<AtomicU64>,
}

impl Input {
    /// Octets read so far as they lie on disk, before unpacking.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes.load(Ordering::Relaxed)
    }

    /// The counter behind [`Self::raw_bytes`], for whoever shows progress.
    pub fn raw_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.raw_bytes)
    }

    /// Takes `reader` for an input, telling gzip by its magic number.
    ///
    /// # Errors
    /// When not even the first octet can be read.
    pub fn from_reader(reader: impl Read + Send + 'static) -> io::Result<Self> {
        Self::counting(reader, Arc::default())
    }

    /// The same input, closed until its first octet is asked for: a long list of inputs would
    /// otherwise hold as many descriptors as it has files. What can be read only once stays open.
    #[must_use]
    pub fn closed_until_read(self, path: &Path) -> Self {
        if is_read_once(path) {
            return self;
        }
        let reopened = Reopened { path: path.to_owned(), raw_bytes: self.raw_counter(), open: None };
        Self { reader: Box::new(reopened), ..self }
    }

    fn counting(reader: impl Read + Send + 'static, raw_bytes: Arc<AtomicU64>) -> io::Result<Self> {
        raw_bytes.store(0, Ordering::Relaxed);
        let mut raw = Counted { inner: reader, count: Arc::clone(&raw_bytes) };
        let (raw_head, error) = read_head(&mut raw, HEAD_LEN);
        if raw_head.is_empty()
            && let Some(error) = error
        {
            return Err(error);
        }
        let gzipped = raw_head.starts_with(&gzip::MAGIC);
        let content = Cursor::new(raw_head.clone()).chain(Failing(error)).chain(raw);
        if !gzipped {
            let reader = Box::new(content);
            return Ok(Self { head: raw_head, reader, gzipped, raw_len: None, raw_bytes });
        }
        let mut unpacked = Members::new(content);
        let (head, error) = read_head(&mut unpacked, HEAD_LEN);
        let reader = Box::new(Cursor::new(head.clone()).chain(Failing(error)).chain(unpacked));
        Ok(Self { head, reader, gzipped, raw_len: None, raw_bytes })
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("head", &self.head.len())
            .field("gzipped", &self.gzipped)
            .field("raw_len", &self.raw_len)
            .field("raw_bytes", &self.raw_bytes())
            .finish_non_exhaustive()
    }
}

/// What a reader says of the place that it has come to, in the clothes of an error: part of the input was
/// passed over or is in doubt. It can be read on.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct Passed {
    severity: Severity,
    text: Cow<'static, str>,
}

impl Passed {
    fn oddity(text: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Oddity, text: text.into() }
    }

    fn loss(text: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Loss, text: text.into() }
    }

    /// What an error says, if it is no failure but this.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Notes it for the octet that the reader has come to.
    pub fn note(&self, offset: u64, notes: &mut Notes) {
        notes.add(self.severity, self.text.clone(), Some(Place::Offset(offset)));
    }
}

impl From<Passed> for io::Error {
    fn from(passed: Passed) -> Self {
        Self::other(passed)
    }
}

/// The content of gzipped octets, all members of them; see [`Input::reader`].
pub fn unpacked(packed: impl Read) -> impl Read {
    Members::new(packed)
}

/// Opens a file, or standard input for [`STANDARD_INPUT`].
///
/// # Errors
/// What the operating system says: no such file, no permission, a directory.
pub fn open(path: &Path) -> io::Result<Input> {
    if is_standard_input(path) {
        return Input::from_reader(io::stdin());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut input = Input::from_reader(file)?;
    input.raw_len = metadata.is_file().then_some(metadata.len());
    Ok(input)
}

/// Whether `path` stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// Whether what stands at `path` can be read only once: standard input, a pipe.
pub fn is_read_once(path: &Path) -> bool {
    is_standard_input(path) || !std::fs::metadata(path).is_ok_and(|data| data.is_file())
}

/// SHA-256 of a file as it lies on disk, in hexadecimal; `None` for what can be read only once.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<Option<String>> {
    if is_read_once(path) {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut reader = BufReader::with_capacity(HASHED_AT_ONCE, File::open(path)?);
    loop {
        let octets = reader.fill_buf()?;
        if octets.is_empty() {
            break;
        }
        hash.update(octets);
        let taken = octets.len();
        reader.consume(taken);
    }
    Ok(Some(hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()))
}

/// Reads up to `limit` octets; what could be read comes back also when reading fails.
fn read_head(reader: &mut impl Read, limit: usize) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::with_capacity(limit);
    let error = reader.take(limit as u64).read_to_end(&mut head).err();
    (head, error)
}

/// Gives the error that was met while looking ahead, in its place.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A file that is opened when its first octet is asked for.
struct Reopened {
    path: PathBuf,
    raw_bytes: Arc<AtomicU64>,
    open: Option<Box<dyn Read + Send>>,
}

impl Read for Reopened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = match &mut self.open {
            Some(reader) => reader,
            closed => {
                let file = File::open(&self.path)?;
                closed.insert(Input::counting(file, Arc::clone(&self.raw_bytes))?.reader)
            }
        };
        let count = reader.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            // Read to its end: the next file may need the descriptor.
            *reader = Box::new(io::empty());
        }
        Ok(count)
    }
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn all(mut input: Input) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        input.reader.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn plain_and_gzipped_read_alike() {
        let content: Vec<u8> = (0..20_000u32).flat_map(u32::to_le_bytes).collect();
        let plain = Input::from_reader(Cursor::new(content.clone())).unwrap();
        assert!(!plain.gzipped);
        assert_eq!(plain.head, content[..HEAD_LEN]);
        assert_eq!(all(plain).unwrap(), content);

        // Two members, as `cat a.gz b.gz` makes them.
        let mut packed = gzip(&content[..30_000]);
        packed.extend(gzip(&content[30_000..]));
        let length = packed.len() as u64;
        let packed = Input::from_reader(Cursor::new(packed)).unwrap();
        assert!(packed.gzipped);
        let counter = packed.raw_counter();
        assert_eq!(packed.head, content[..HEAD_LEN]);
        assert_eq!(all(packed).unwrap(), content);
        assert_eq!(counter.load(Ordering::Relaxed), length);
    }

    #[test]
    fn a_cut_gzip_gives_what_can_be_unpacked_and_then_an_error() {
        let content: Vec<u8> =
            (0..50_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let packed = gzip(&content);
        let cut = Input::from_reader(Cursor::new(packed[..packed.len() / 2].to_vec())).unwrap();
        let mut reader = cut.reader;
        let mut got = Vec::new();
        assert!(reader.read_to_end(&mut got).is_err());
        assert!(!got.is_empty() && content.starts_with(&got));
    }

    #[test]
    fn a_head_that_does_not_unpack_is_empty_and_the_reader_says_why() {
        let mut garbage = gzip::MAGIC.to_vec();
        garbage.extend([0; 7]);
        garbage.extend([0xff; 50]);
        let input = Input::from_reader(Cursor::new(garbage)).unwrap();
        assert!(input.gzipped && input.head.is_empty());
        assert!(all(input).is_err());
    }

    #[test]
    fn a_closed_input_reads_as_if_it_had_stayed_open() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..9_000u32).flat_map(u32::to_le_bytes).collect();
        for (name, stored) in [("plain", content.clone()), ("packed", gzip(&content))] {
            let path = folder.path().join(name);
            std::fs::write(&path, &stored).unwrap();
            let input = open(&path).unwrap().closed_until_read(&path);
            let counter = input.raw_counter();
            assert_eq!(input.head, content[..HEAD_LEN]);
            assert_eq!(all(input).unwrap(), content);
            assert_eq!(counter.load(Ordering::Relaxed), stored.len() as u64);
        }
    }

    #[test]
    fn directories_and_missing_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(open(folder.path()).is_err());
        assert_eq!(open(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
