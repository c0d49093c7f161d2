//! The generator of benches/generate: its parts' own tests, and what holds of its output as a whole.

#[path = "../benches/generate/mod.rs"]
mod generate;

use clap::Parser;
use generate::{Options, Sinks, Summary};

/// Everything that some arguments make.
fn made(arguments: &[&str]) -> (Summary, Sinks<Vec<u8>, Vec<u8>, Vec<u8>>) {
    let options = Options::parse_from(["generate"].iter().chain(arguments));
    let sinks = Sinks { capture: Vec::new(), log: Vec::new(), truth: Vec::new() };
    generate::generate(&options, sinks).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    let arguments = ["--sessions", "60", "--seed", "7"];
    let (first, second) = (made(&arguments), made(&arguments));
    assert_eq!(first.0, second.0);
    assert!(first.1.capture == second.1.capture);
    assert!(first.1.log == second.1.log);
    assert!(first.1.truth == second.1.truth);
    let other = made(&["--sessions", "60", "--seed", "8"]);
    assert!(first.1.capture != other.1.capture);
}
