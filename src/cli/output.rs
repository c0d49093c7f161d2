//! The one place that writes to standard output and standard error.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use mailwitness::cite::Notes;
use mailwitness::report::build::{shown_notes, shown_path};
use mailwitness::report::columns::Breadth;
use mailwitness::report::document::InputNote;
use mailwitness::report::text::Style;
use mailwitness::report::words;
use tempfile::NamedTempFile;

use super::args::DestinationArgs;
use super::choices::ColourWhen;
use super::exit::Exit;
use super::failure::Failure;

/// Mode of a new file before the umask, as other programs have it; temporary files alone are private.
#[cfg(unix)]
const NEW_FILE_MODE: u32 = 0o666;

/// The temporary file of the result under way, for a run that is ended without unwinding.
static TEMPORARY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Where a result goes. Nothing is in its place before [`Output::finish`].
pub(crate) struct Output {
    sink: Sink,
    colour: bool,
    /// Rows are shown as they come, where somebody is watching.
    watched: bool,
}

enum Sink {
    Stream(BufWriter<AutoStream<io::Stdout>>),
    Direct(BufWriter<File>, PathBuf),
    Beside(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens what `--output` and `--color` ask for; `inputs` must not be overwritten.
    pub(crate) fn open<'a>(
        args: &DestinationArgs,
        inputs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, Failure> {
        let stdout = io::stdout();
        let Some(path) = args.output.as_deref().filter(|path| path.as_os_str() != "-") else {
            let choice = match args.color {
                ColourWhen::Auto => AutoStream::choice(&stdout),
                ColourWhen::Always => ColorChoice::Always,
                ColourWhen::Never => ColorChoice::Never,
            };
            let colour = choice != ColorChoice::Never;
            // Without colour nothing we write holds an escape sequence: there is nothing to strip.
            let stream = AutoStream::new(stdout, if colour { choice } else { ColorChoice::AlwaysAnsi });
            return Ok(Self {
                colour,
                watched: stream.is_terminal(),
                sink: Sink::Stream(BufWriter::new(stream)),
            });
        };
        refuse_input(path, inputs)?;
        let sink = open_file(path).with_context(|| format!("cannot write {}", shown_path(path)));
        Ok(Self {
            colour: args.color == ColourWhen::Always,
            watched: false,
            sink: sink.map_err(Failure::new)?,
        })
    }

    /// How text is to look there.
    pub(crate) fn style(&self) -> Style {
        let columns = if self.watched { terminal_columns() } else { None };
        Style { colour: self.colour, width: columns.unwrap_or(Style::WIDTH).min(Style::WIDTH) }
    }

    /// How wide lists may be there.
    pub(crate) fn breadth(&self) -> Breadth {
        Breadth::fitting(if self.watched { terminal_columns() } else { None })
    }

    /// Whether somebody watches it grow on a terminal.
    pub(crate) const fn is_watched(&self) -> bool {
        self.watched
    }

    /// Shows what was written so far, where somebody is watching.
    pub(crate) fn row_written(&mut self) -> io::Result<()> {
        if self.watched { self.flush() } else { Ok(()) }
    }

    /// All is written: puts it in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.sink {
            Sink::Stream(mut stream) => stream.flush().context("cannot write to standard output"),
            Sink::Direct(mut file, path) => {
                file.flush().with_context(|| format!("cannot write {}", shown_path(&path)))
            }
            Sink::Beside(file, path) => {
                put_in_place(file, &path).with_context(|| format!("cannot write {}", shown_path(&path)))
            }
        }
        .map_err(Failure::new)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Stream(stream) => stream.write(bytes),
            Sink::Direct(file, _) => file.write(bytes),
            Sink::Beside(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Stream(stream) => stream.flush(),
            Sink::Direct(file, _) => file.flush(),
            Sink::Beside(file, _) => file.flush(),
        }
    }
}

/// Writes a short text of ours to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
        .map_err(Failure::new)?;
    Ok(Exit::Done)
}

/// Tells why the run failed; says nothing where only the reader went away.
pub(crate) fn complain(failure: &Failure) -> Exit {
    if !failure.is_broken_pipe() {
        let mut parts: Vec<String> = failure.chain().collect();
        // Some errors repeat their source in their own text.
        parts.dedup_by(|inner, outer| outer.ends_with(inner.as_str()));
        tell("error", &parts.join(": "));
        for hint in failure.hints() {
            tell("hint", hint);
        }
    }
    failure.exit()
}

/// Tells that part of the input could not be used.
pub(crate) fn warn(text: &str) {
    tell("warning", text);
}

/// Tells something good to know.
pub(crate) fn note(text: &str) {
    tell("note", text);
}

/// Tells what was passed over in an input, for results that have no place for it.
pub(crate) fn notes(path: &str, notes: &Notes) {
    for note in shown_notes(notes) {
        tell_note(path, &note);
    }
}

/// Tells one thing that was passed over in an input.
pub(crate) fn tell_note(path: &str, note: &InputNote) {
    let count =
        if note.count > 1 { format!(" ({} times)", words::grouped(note.count)) } else { String::new() };
    let place = note.first.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    tell(if note.loss { "warning" } else { "note" }, &format!("{path}{place}: {}{count}", note.text));
}

/// Shows clap's error, or the help or version that was asked for.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    let styled = error.render();
    if error.use_stderr() {
        let mut stderr = anstream::stderr().lock();
        let prefix = if styled.to_string().starts_with("error:") { "mailwitness: " } else { "" };
        let _ = write!(stderr, "{prefix}{}", styled.ansi());
        return Exit::Usage;
    }
    let mut stdout = anstream::stdout().lock();
    match write!(stdout, "{}", styled.ansi()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&Failure::new(error)),
    }
}

/// Removes the temporary file of a run that ends right now.
pub(crate) fn discard_temporary() {
    if let Some(path) = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // It may be in its place already; what cannot be removed stays.
        let _ = fs::remove_file(path);
    }
}

fn tell(kind: &str, text: &str) {
    // Where standard error cannot be written there is nobody left to tell.
    let _ = writeln!(anstream::stderr().lock(), "mailwitness: {kind}: {}", words::safe(text));
}

fn terminal_columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0))
}

/// A result must not take the place of what it was made from.
fn refuse_input<'a>(path: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    let Ok(target) = fs::canonicalize(path) else { return Ok(()) };
    let is_regular = fs::metadata(&target).is_ok_and(|metadata| metadata.is_file());
    for input in inputs {
        if is_regular && fs::canonicalize(input).is_ok_and(|input| input == target) {
            return Err(Failure::words(format_args!(
                "{} is an input; it is not overwritten",
                shown_path(path)
            )));
        }
    }
    Ok(())
}

/// A regular file (or none yet) is written beside and renamed; anything else, such as a pipe or a
/// device, is written as it is.
fn open_file(path: &Path) -> io::Result<Sink> {
    // A link stays a link: the file it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            let file = File::options().write(true).open(&target)?;
            Ok(Sink::Direct(BufWriter::new(file), target))
        }
        _ => {
            let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            let mut builder = tempfile::Builder::new();
            builder.prefix(".mailwitness-");
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(NEW_FILE_MODE));
            let file = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
            *TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner) = Some(file.path().to_owned());
            Ok(Sink::Beside(BufWriter::new(file), target))
        }
    }
}

fn put_in_place(file: BufWriter<NamedTempFile>, target: &Path) -> io::Result<()> {
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.persist(target).map(|_| ()).map_err(|error| error.error)
}
