//! What was given: directories walked, captures and logs told apart by content.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::capture::read::looks_like_capture;
use crate::input::{self, Input};
use crate::investigate::{InputPath, Told};
use crate::maillog::looks_like_mail_log;

/// Files taken from one directory: more is a mistake in the path.
const MAX_FILES: usize = 100_000;

/// An input, opened and told.
#[derive(Debug)]
pub struct Opened {
    /// Its path as given.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// It could not be opened: nothing is known of its content.
    pub failed: bool,
}

/// What an input is.
#[derive(Debug)]
pub enum Kind {
    /// A capture, at its first octet.
    Capture(Input),
    /// A mail log, at its first octet.
    Log(Input),
    /// Neither, or it could not be opened: why.
    Unusable(String),
}

/// Opens every input; directories are walked, in the order of their names.
///
/// Files that a directory holds and that are neither captures nor logs are passed over without a
/// word unless nothing in it fits.
pub fn open_all(paths: &[InputPath]) -> Vec<Opened> {
    open_all_but(paths, &[])
}

/// The same; a file of `elsewhere` that lies in one of the directories is left out, for it is read as another
/// input.
pub(super) fn open_all_but(paths: &[InputPath], elsewhere: &[PathBuf]) -> Vec<Opened> {
    let elsewhere: Vec<PathBuf> = elsewhere.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut all = Vec::new();
    for given in paths {
        if given.path.is_dir() {
            all.extend(walk(given, &elsewhere));
        } else {
            all.push(open(&given.path, given.told));
        }
    }
    all
}

fn walk(given: &InputPath, elsewhere: &[PathBuf]) -> Vec<Opened> {
    let mut found = Vec::new();
    let mut passed_over = 0usize;
    let entries = WalkDir::new(&given.path).sort_by_file_name().into_iter();
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()).take(MAX_FILES) {
        if !elsewhere.is_empty() && entry.path().canonicalize().is_ok_and(|path| elsewhere.contains(&path)) {
            continue;
        }
        let opened = open(entry.path(), given.told);
        match opened.kind {
            // What could not be opened may have been a witness: it is never passed over in silence.
            Kind::Unusable(_) if !opened.failed => passed_over += 1,
            _ => found.push(opened),
        }
    }
    if found.is_empty() {
        let why = match passed_over {
            0 => "the directory holds no files".to_owned(),
            count => format!("the directory holds neither captures nor mail logs ({count} files looked at)"),
        };
        found.push(Opened { path: given.path.clone(), kind: Kind::Unusable(why), failed: false });
    }
    found
}

fn open(path: &Path, told: Told) -> Opened {
    let opened = input::open(path);
    let failed = opened.is_err();
    let kind = match opened {
        Ok(input) => tell(input.closed_until_read(path), told),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Kind::Unusable("no such file".to_owned()),
        Err(error) => Kind::Unusable(format!("cannot be opened: {error}")),
    };
    Opened { path: path.to_owned(), kind, failed }
}

fn tell(input: Input, told: Told) -> Kind {
    match told {
        Told::Capture => Kind::Capture(input),
        Told::Log => Kind::Log(input),
        Told::ByContent if input.head.is_empty() => Kind::Unusable("the file is empty".to_owned()),
        Told::ByContent if looks_like_capture(&input.head) => Kind::Capture(input),
        Told::ByContent if looks_like_mail_log(&input.head) => Kind::Log(input),
        Told::ByContent => Kind::Unusable(
            "neither a capture (pcap, pcapng) nor a mail log by its content; --capture or --log would \
             have it read as one all the same"
                .to_owned(),
        ),
    }
}
