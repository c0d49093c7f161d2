//! How far the reading has come, for who waits at a terminal.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mailwitness::investigate::Watch;

/// A run that takes no longer shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the counters.
const INTERVAL: Duration = Duration::from_millis(200);

/// A bar on standard error while it lives; it is gone when it is dropped.
pub(crate) struct Progress {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Shows how far `watch` has come, if standard error is a terminal and `wanted`.
    pub(crate) fn start(watch: &Watch, wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self { running: None };
        }
        let (stop, stopped) = mpsc::channel();
        let watch = watch.clone();
        let thread = thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = bar(watch.octets_total().load(Ordering::Relaxed));
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(watch.octets_read().load(Ordering::Relaxed));
            }
            bar.finish_and_clear();
        });
        Self { running: Some((stop, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A thread that panicked has nothing to clear.
            let _ = thread.join();
        }
    }
}

fn bar(total: u64) -> ProgressBar {
    let (bar, template) = if total > 0 {
        (ProgressBar::new(total), "{bar:30} {bytes} of {total_bytes}, {eta} left")
    } else {
        (ProgressBar::new_spinner(), "{spinner} {bytes} read, {elapsed}")
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
